# Module versions of this folder, one line each: a release such as "1.2.0" is the git tag modules/<name>/v1.2.0.
# "local", this working tree, is for dev only.
locals {
  versions = {
    ceremony-log = "0.1.0"
    crl          = "0.1.0"
    issuer       = "0.1.0"
    pki          = "0.1.0"
  }
}
