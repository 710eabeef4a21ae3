# Module versions of this environment, one line each: promoting a module is a one-line pull request.
# "local" is this working tree and is for dev only; a release such as "1.2.0" is the git tag modules/<name>/v1.2.0.
locals {
  versions = {
    acm-domain    = "local"
    authorizer    = "local"
    cognito-m2m   = "local"
    function      = "local"
    http-api-mtls = "local"
    registry      = "local"
    truststore    = "local"
    watch         = "local"
  }
}
