# Module versions of this folder, one line each. "local" is this working tree; a release such as "1.2.0" is the git tag
# modules/<name>/v1.2.0.
locals {
  versions = {
    ceremony-log = "local"
    crl          = "local"
    issuer       = "local"
    pki          = "local"
  }
}
