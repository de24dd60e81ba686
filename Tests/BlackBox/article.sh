#!/usr/bin/env bash
# The commands of the vendor's article "Post Custom Events to Profiles with the APSIS One API", with the host replaced
# and the token filled in. Everything else is as the article prints it, but for one character: in its POST, the line
# with the authorization header lacks the backslash at its end, without which a shell takes the body for a command.
#
# Each command's output goes to a file in the folder OUTPUT.
set -euo pipefail
: "${OVATION_URL:?}" "${OVATION_CLIENT_ID:?}" "${OVATION_CLIENT_SECRET:?}" "${OUTPUT:?}"

curl --request POST \
  --url "$OVATION_URL"/oauth/token \
  --header 'content-type: application/json' \
  --data '{
  "grant_type": "client_credentials",
  "client_id": "'"$OVATION_CLIENT_ID"'",
  "client_secret": "'"$OVATION_CLIENT_SECRET"'"
}' >"$OUTPUT/token"

TOKEN=$(sed -nE 's/.*"access_token" *: *"([^"]+)".*/\1/p' "$OUTPUT/token")

curl --request GET\
  --url "$OVATION_URL"/audience/sections/usercreated.sections.my_section-h4h3dpu3qi/events \
  --header "authorization: Bearer $TOKEN" >"$OUTPUT/event-types"

curl --request POST\
  --url "$OVATION_URL"/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com/sections/usercreated.sections.my_section-h4h3dpu3qi/events \
  --header "authorization: Bearer $TOKEN" \
  --data '{
  "items": [
    {
      "event_time": "2020-10-14T09:43:34.471Z",
      "version_id": 2565266,
      "data": {
        "myNumberField": 27183,
        "myNumberWithDecimalField": 213.21,
        "myTextField": "some transaction",
        "myTrueFalseField": false,
        "source": "some web shop"
      }
    }
  ]
}' >"$OUTPUT/post"
