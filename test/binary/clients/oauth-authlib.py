"""A client as others write it: oauth-authlib.py <address> <client id> <client secret>. Prints what came of each step as one JSON object."""

import json
import sys

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

address, client_id, client_secret = sys.argv[1:]
token_endpoint = f"{address}/oauth2/token"
client = OAuth2Session(client_id, client_secret, scope="read")

first = dict(client.fetch_token(token_endpoint, grant_type="client_credentials"))
second = dict(client.refresh_token(token_endpoint, refresh_token=first["refresh_token"]))


def active(token):
    return client.introspect_token(f"{address}/oauth2/introspect", token=token).json()["active"]


before = [active(second["access_token"]), active(second["refresh_token"])]
revoked = client.revoke_token(f"{address}/oauth2/revoke", token=second["refresh_token"]).status_code
after = [active(second["access_token"]), active(second["refresh_token"])]
try:
    client.refresh_token(token_endpoint, refresh_token=second["refresh_token"])
    refused = None
except OAuthError as error:
    refused = error.error
print(
    json.dumps(
        {
            "types": [first["token_type"], second["token_type"]],
            "isAnother": first["refresh_token"] != second["refresh_token"],
            "scope": second["scope"],
            "lifetime": second["expires_in"],
            "before": before,
            "revoked": revoked,
            "after": after,
            "refused": refused,
        }
    )
)
