"""An independent verifier: verifier-pyjwt.py <public directory> <issuer> <audience>.

Reads {"id", "token"} lines, answers each. It never caches: what it refuses, the newest JWKS refuses.
"""

import json
import os
import sys
import time

import jwt

directory, issuer, audience = sys.argv[1:4]
version = None
keys = {}


def load_newest():
    """Takes the JWKS behind ..data when it was swapped."""
    global version, keys
    current = os.readlink(os.path.join(directory, "..data"))
    if current == version:
        return
    with open(os.path.join(directory, current, "jwks.json"), encoding="utf-8") as file:
        keys = {key.key_id: key for key in jwt.PyJWKSet.from_json(file.read()).keys}
    version = current


def verdict_on(token):
    """`valid`, or why not."""
    load_newest()
    key = keys.get(jwt.get_unverified_header(token).get("kid"))
    if key is None:
        return "unknown kid"
    required = {"require": ["exp", "iat", "iss", "aud"]}
    try:
        jwt.decode(token, key, [key.algorithm_name], required, audience=audience, issuer=issuer)
    except jwt.ExpiredSignatureError:
        return "expired"
    except jwt.InvalidSignatureError:
        return "bad signature"
    except jwt.PyJWTError as error:
        return repr(error)
    return "valid"


for line in sys.stdin:
    asked = json.loads(line)
    try:
        verdict = verdict_on(asked["token"])
    except FileNotFoundError:
        # Swapped and removed between two system calls: the newest is there
        verdict = verdict_on(asked["token"])
    print(json.dumps({"id": asked["id"], "verdict": verdict, "atMs": time.time() * 1000}), flush=True)
