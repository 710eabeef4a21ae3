# Module versions of this folder, one line each: a release such as "1.2.0" is the git tag modules/<name>/v1.2.0.
# "local", this working tree, is for dev only.
locals {
  versions = {
    deploy-roles = "0.2.0"
    dns-zone     = "0.2.0"
    plan-bucket  = "0.1.0"
    state-bucket = "0.1.0"
  }
}
