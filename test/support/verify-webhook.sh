#!/bin/bash
# Verifies a message of a webhook with nothing but openssl, as a receiver may:
#   SECRET=whsec_… verify-webhook.sh WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < body
# Ends with 0 where one of the signatures is right and the message not older, or younger, than five minutes.
set -euo pipefail
id=$1 timestamp=$2 signatures=$3

age=$(($(date +%s) - timestamp))
((age < 300 && age > -300)) || { echo "It was signed $age seconds ago." >&2; exit 1; }

key=$(printf %s "${SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
expected=$({ printf %s "$id.$timestamp."; cat; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)

for signature in $signatures; do
  [ "$signature" = "v1,$expected" ] && exit 0
done
echo "No signature is by this secret." >&2
exit 1
