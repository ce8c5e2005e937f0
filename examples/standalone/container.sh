#!/bin/sh
# Keys in a container, by docker or podman: keeps those of /etc/keyturn/rotation.yaml in /var/lib/keyturn, for the group keyturn-signers.
#   groupadd --system keyturn-signers && ./container.sh
set -eu
engine=${ENGINE:-docker}
image=${IMAGE:-ghcr.io/keyturn/keyturn:0.1.0}
dir=${DIR:-/var/lib/keyturn}
config=${CONFIG:-/etc/keyturn}
# In the image no group has a name
entry=$(getent group "${GROUP:-keyturn-signers}") || { echo "the group ${GROUP:-keyturn-signers} must be there: groupadd --system" >&2; exit 1; }
group=$(echo "$entry" | cut -d: -f3)
# The user of the image
install -d -o 65532 -g 65532 -m 755 "$dir"
# The directory of the config, not the file: a file that is mounted by itself stays the old one when an editor replaces it
exec "$engine" run --detach --name "${NAME:-keyturn}" --restart unless-stopped \
  --read-only --cap-drop ALL --security-opt no-new-privileges --group-add "$group" \
  --volume "$dir:/var/lib/keyturn" --volume "$config:/etc/keyturn:ro" --publish "${PUBLISH:-127.0.0.1:9464}:9464" \
  "$image" standalone --dir=/var/lib/keyturn --config=/etc/keyturn/rotation.yaml --signer-group="$group" --metrics-listen=:9464
