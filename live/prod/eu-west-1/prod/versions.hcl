# Module versions of this environment, one line each: promoting a module is a one-line pull request.
# A release such as "0.1.0" is the git tag modules/<name>/v0.1.0.
locals {
  versions = {
    acm-domain    = "0.1.0"
    authorizer    = "0.1.0"
    cognito-m2m   = "0.1.0"
    function      = "0.1.0"
    http-api-mtls = "0.1.0"
    registry      = "0.1.0"
    truststore    = "0.1.0"
    watch         = "0.1.0"
  }
}
