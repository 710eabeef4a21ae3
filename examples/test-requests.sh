#!/usr/bin/env bash
# Calls that must be allowed and calls that must be refused, each with its expected outcome.
#
# usage: test-requests.sh CLIENT_ID [OTHER_CLIENT_ID]
#
# CLIENT_ID is a provisioned device with scope api/read. OTHER_CLIENT_ID is a second one: with it the
# script also shows that a stolen token is worthless. Both are looked up in .local/clients.
#
# The laptop's platform is read from .local/endpoints.json. For any other deployment set BASE_URL, CERT
# and KEY (OTHER_CERT and OTHER_KEY for the second device), and where they apply ADDRESS (host:port),
# SERVER_CA and DEFAULT_ENDPOINT (the API's execute-api host name).
#
# exit code: 0 every outcome as expected, 1 some other outcome, 2 wrong usage
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/client-cert-example/connection.sh"

passed=0 failed=0

# outcome CURL OPTION...: prints the HTTP status, `reset` where TLS or the connection ended without an
# HTTP answer, or curl's own error. The body goes to $work/body.
outcome() {
  local status code=0
  : >"$work/body"
  status=$(curl "${reach[@]}" --output "$work/body" --write-out '%{http_code}' "$@" 2>"$work/error") || code=$?
  case $code in
    0) printf '%s' "$status" ;;
    35 | 52 | 55 | 56) printf 'reset' ;; # handshake, no answer, sending, receiving
    *) tr -d '\n' <"$work/error" ;;
  esac
}

# check EXPECTED TEXT DESCRIPTION CURL OPTION...: one line; the body must contain TEXT (empty: anything).
check() {
  local expected=$1 text=$2 description=$3 actual
  shift 3
  actual=$(outcome "$@")
  if [[ $actual == "$expected" && $(<"$work/body") == *"$text"* ]]; then
    passed=$((passed + 1))
    printf 'PASS  %-5s  %s\n' "$actual" "$description"
  else
    failed=$((failed + 1))
    printf 'FAIL  %-5s  %s\n' "$actual" "$description"
    printf '      expected %s%s, body: %s\n' "$expected" "${text:+ with \"$text\"}" "$(head -c 300 "$work/body")"
  fi
}

not_run() { printf '  --         %s\n' "$1"; }

# request_token CLIENT_ID SCOPE: the form of RFC 6749, section 4.4.2, as curl options in `token_request`.
request_token() {
  token_request=(--data-urlencode grant_type=client_credentials
    --data-urlencode "client_id=$1" --data-urlencode "scope=$2" "$BASE_URL/token")
}

# with_token TOKEN: writes the header to a file, since a command line shows in the process list.
with_token() {
  printf 'Authorization: Bearer %s\n' "$1" >"$work/authorization"
  authorization=(--header "@$work/authorization")
}

# forge_certificate NAME ISSUER: what anybody can make who is not the CA: $work/NAME.crt and NAME.key for the
# device's name, issued by a CA of the given name (/O=.../CN=...).
forge_certificate() {
  local new=(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256)
  {
    openssl "${new[@]}" -x509 -days 1 -subj "$2" -keyout "$work/$1-ca.key" -out "$work/$1-ca.crt"
    openssl "${new[@]}" -new -subj "/CN=$client_id" -keyout "$work/$1.key" -out "$work/$1.csr"
    printf 'keyUsage = critical, digitalSignature\nextendedKeyUsage = clientAuth\n' >"$work/extensions"
    openssl x509 -req -sha256 -days 1 -set_serial 1 -in "$work/$1.csr" -extfile "$work/extensions" \
      -CA "$work/$1-ca.crt" -CAkey "$work/$1-ca.key" -out "$work/$1.crt"
  } 2>"$work/error" || { cat "$work/error" >&2; exit 1; }
  forged=(--cert "$work/$1.crt" --key "$work/$1.key")
}

help_if_asked "$@"
(($# == 1 || $# == 2)) || fail_usage "usage: test-requests.sh CLIENT_ID [OTHER_CLIENT_ID]"
client_id=$1 other_id=${2:-}
read_connection "$client_id"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%s, device %s\n\n' "$BASE_URL" "$client_id"

# --- allowed ---------------------------------------------------------------------------------------

check 200 tls_client_auth "metadata: the certificate is the credential" \
  "${certificate[@]}" "$BASE_URL/.well-known/oauth-authorization-server"

request_token "$client_id" "$SCOPE"
check 200 access_token "token for a known device" "${certificate[@]}" "${token_request[@]}"
token=$(json_field access_token <"$work/body" 2>/dev/null || true)
with_token "$token"
check 200 "$client_id" "call with certificate and token" "${certificate[@]}" "${authorization[@]}" "$BASE_URL/whoami"

# --- refused in the handshake or right after it ----------------------------------------------------

check reset "" "no client certificate" "${authorization[@]}" "$BASE_URL/whoami"

forge_certificate unknown "/CN=Some Other CA"
check 403 Forbidden "certificate of another CA, for the same device name" \
  "${forged[@]}" "${authorization[@]}" "$BASE_URL/whoami"
check 403 Forbidden "token for a certificate of another CA" "${forged[@]}" "${token_request[@]}"

issuer=$(openssl x509 -in "$CERT" -noout -issuer -nameopt compat)
forge_certificate impostor "${issuer#issuer=}"
check 403 Forbidden "certificate of a CA that only bears our CA's name" \
  "${forged[@]}" "${authorization[@]}" "$BASE_URL/whoami"

# --- refused by /token -----------------------------------------------------------------------------

request_token "$client_id" api/no-such-scope
check 400 invalid_scope "token with a scope that does not exist" "${certificate[@]}" "${token_request[@]}"
check 400 unsupported_grant_type "token by another grant" "${certificate[@]}" \
  --data-urlencode grant_type=password --data-urlencode "client_id=$client_id" "$BASE_URL/token"
request_token "not-$client_id" "$SCOPE"
check 401 invalid_client "token in another device's name" "${certificate[@]}" "${token_request[@]}"

# --- refused by the authorizer ---------------------------------------------------------------------

check 401 "" "call without a token" "${certificate[@]}" "$BASE_URL/whoami"
with_token "not.a.token"
check 403 Forbidden "call with something that is no token" \
  "${certificate[@]}" "${authorization[@]}" "$BASE_URL/whoami"
with_token "${token%.*}.$(printf '%s' "${token##*.}" | tr 'A-Za-z' 'B-ZAb-za')"
check 403 Forbidden "call with a token whose signature was altered" \
  "${certificate[@]}" "${authorization[@]}" "$BASE_URL/whoami"

request_token "$client_id" api/write
write_token=$(curl "${reach[@]}" "${certificate[@]}" "${token_request[@]}" | json_field access_token 2>/dev/null || true)
if [[ -n $write_token ]]; then
  with_token "$write_token"
  check 403 Forbidden "call with a token of another scope" \
    "${certificate[@]}" "${authorization[@]}" "$BASE_URL/whoami"
else
  not_run "token of another scope: $client_id may not ask for api/write"
fi

if [[ -n $other_id ]]; then
  folder=${MTLS_LOCAL_DIR:-.local}/clients/$other_id
  other=(--cert "${OTHER_CERT:-$folder/client.crt}" --key "${OTHER_KEY:-$folder/client.key}")
  request_token "$other_id" "$SCOPE"
  check 200 access_token "token for the other device" "${other[@]}" "${token_request[@]}"
  with_token "$token"
  check 403 Forbidden "stolen token with the other device's certificate" \
    "${other[@]}" "${authorization[@]}" "$BASE_URL/whoami"
else
  not_run "stolen token: name a second device to see it refused"
fi

# --- no way around ---------------------------------------------------------------------------------

check 404 "" "route that does not exist" "${certificate[@]}" "$BASE_URL/no-such-route"
if [[ -n ${DEFAULT_ENDPOINT:-} ]]; then
  with_token "$token"
  check 404 "" "default endpoint, which would need no certificate" \
    "${authorization[@]}" "https://$DEFAULT_ENDPOINT/whoami"
else
  not_run "default endpoint: set DEFAULT_ENDPOINT to the API's execute-api host name"
fi

printf '\n%d as expected, %d not\n' "$passed" "$failed"
((failed == 0))
