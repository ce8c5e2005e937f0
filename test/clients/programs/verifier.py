"""A verifier as a service in Python has it: verifier.py <library> <issuer> <JWKS URL> <audience>.

Reads {"id", "token"} lines, answers each. Every option that is not there is the library's own default.
"""

import json
import sys
import time

library, issuer, jwks_url, audience = sys.argv[1:5]


def pyjwt():
    import jwt

    keys = jwt.PyJWKClient(jwks_url)
    # All that it knows
    algorithms = [name for name in jwt.algorithms.get_default_algorithms() if name != "none" and not name.startswith("HS")]

    def verify(token):
        key = keys.get_signing_key_from_jwt(token)
        jwt.decode(token, key, algorithms, audience=audience, issuer=issuer)

    return verify


def joserfc():
    """It fetches nothing by itself: here, as simply as can be, for each token."""
    import requests
    from joserfc import jwt
    from joserfc.jwk import KeySet
    from joserfc.jwt import JWTClaimsRegistry

    claims = JWTClaimsRegistry(iss={"essential": True, "value": issuer}, aud={"essential": True, "value": audience})
    names = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]

    def verify(token):
        keys = KeySet.import_key_set(requests.get(jwks_url, timeout=10).json())
        claims.validate(jwt.decode(token, keys, algorithms=names).claims)

    return verify


def authlib():
    """Its OpenID client, for which the token stands as an ID token."""
    from authlib.integrations.base_client import BaseApp, FrameworkIntegration, OAuth2Mixin, OpenIDMixin
    from authlib.integrations.requests_client import OAuth2Session

    class App(OAuth2Mixin, OpenIDMixin, BaseApp):
        client_cls = OAuth2Session

    app = App(
        FrameworkIntegration("keyturn"),
        name="keyturn",
        client_id=audience,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    )

    def verify(token):
        app.parse_id_token({"id_token": token, "access_token": token}, nonce=None)

    return verify


verify = {"PyJWT": pyjwt, "joserfc": joserfc, "Authlib": authlib}[library]()


def verdict_on(token):
    try:
        verify(token)
    except Exception as error:  # Whatever it is, the token was not taken
        return repr(error)
    return "valid"


for line in sys.stdin:
    asked = json.loads(line)
    verdict = verdict_on(asked["token"])
    print(json.dumps({"id": asked["id"], "verdict": verdict, "atMs": time.time() * 1000}), flush=True)
