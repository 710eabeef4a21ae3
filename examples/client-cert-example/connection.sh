#!/usr/bin/env bash
# shellcheck disable=SC2034 # the names are read by the scripts that source this file
# Where the API is and who calls it: sourced by the scripts here, after `set -euo pipefail`.
#
# read_connection CLIENT_ID sets BASE_URL, CERT, KEY, SCOPE, DEFAULT_ENDPOINT (where known), and the arrays
#   reach        curl options that lead to the API (address and server CA on a laptop; none on AWS)
#   certificate  curl options that present the client's certificate

fail_usage() {
  printf 'error: %s\n' "$1" >&2
  if (($# > 1)); then printf 'hint: %s\n' "$2" >&2; fi
  exit 2
}

# help_if_asked ARGUMENT...: for -h or --help prints the comment at the script's head, and exits.
help_if_asked() {
  case ${1:-} in
    -h | --help)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
  esac
}

# json_field KEY... : prints that field of the JSON on standard input, or nothing where it is missing.
json_field() {
  python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value.get(key) if isinstance(value, dict) else None
print("" if value is None else value)' "$@"
}

read_connection() {
  local local_dir=${MTLS_LOCAL_DIR:-.local} environment=${ENVIRONMENT:-dev} endpoints file
  endpoints=$local_dir/endpoints.json
  if [[ -z ${BASE_URL:-} ]]; then
    [[ -r $endpoints ]] || fail_usage "$endpoints cannot be read" \
      "start the platform with 'make demo', or set BASE_URL for another deployment"
    BASE_URL=$(json_field "$environment" base_url <"$endpoints")
    [[ -n $BASE_URL ]] || fail_usage "$endpoints knows no environment '$environment'"
    ADDRESS=$(json_field "$environment" address <"$endpoints")
    SERVER_CA=$(json_field "$environment" server_ca <"$endpoints")
    DEFAULT_ENDPOINT=$(json_field "$environment" default_endpoint <"$endpoints")
  fi
  BASE_URL=${BASE_URL%/}
  CERT=${CERT:-$local_dir/clients/$1/client.crt}
  KEY=${KEY:-$local_dir/clients/$1/client.key}
  SCOPE=${SCOPE:-api/read}
  for file in "$CERT" "$KEY"; do
    [[ -r $file ]] || fail_usage "$file cannot be read" "set CERT and KEY to PEM files"
  done
  reach=(--silent --show-error --max-time 20)
  # An empty HOST1:PORT1 sends every name to the address; SNI, certificate check and Host stay the URL's.
  if [[ -n ${ADDRESS:-} ]]; then reach+=(--connect-to "::$ADDRESS" --noproxy '*'); fi
  if [[ -n ${SERVER_CA:-} ]]; then reach+=(--cacert "$SERVER_CA"); fi
  certificate=(--cert "$CERT" --key "$KEY")
}
