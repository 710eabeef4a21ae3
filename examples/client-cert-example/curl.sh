#!/usr/bin/env bash
# Ask the API who I am, with curl: a token by certificate, then one call with both.
#
# usage: curl.sh CLIENT_ID
# Reads .local/endpoints.json; for a real deployment set BASE_URL, CERT and KEY.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/connection.sh"

# call PATH [CURL OPTION...]: prints the body of a 200, otherwise the reason, and fails.
call() {
  local path=$1 body
  shift
  body=$(curl "${reach[@]}" "${certificate[@]}" --fail-with-body "$@" "$BASE_URL$path") || {
    printf 'error: %s refused: %s\n' "$path" "$body" >&2
    return 1
  }
  printf '%s\n' "$body"
}

help_if_asked "$@"
(($# == 1)) || fail_usage "usage: curl.sh CLIENT_ID"
read_connection "$1"

issued=$(call /token --data-urlencode grant_type=client_credentials \
  --data-urlencode "client_id=$1" --data-urlencode "scope=$SCOPE")
token=$(json_field access_token <<<"$issued")
# The header comes from standard input: a token on the command line shows in the process list.
identity=$(call /whoami --header @- <<<"Authorization: Bearer $token")
python3 -m json.tool --indent 2 <<<"$identity"
