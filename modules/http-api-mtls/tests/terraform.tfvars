# What every test here starts from; a run changes what it is about.

name_prefix        = "example-dev"
domain_name        = "api.dev.example.com"
target_domain_name = "d-0123456789.execute-api.eu-west-1.amazonaws.com"
target_zone_id     = "ZLY8HYME6SFDD"
zone_id            = "Z0123456789ABCDEFGHIJ"
throttling         = { burst = 100, rate = 50 }

authorizer = {
  function_name = "example-dev-authorizer"
  invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-authorizer/invocations"
}

routes = {
  "POST /token" = {
    function_name = "example-dev-token"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-token/invocations"
    authorization = "none"
  }
  "GET /.well-known/oauth-authorization-server" = {
    function_name = "example-dev-token"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-token/invocations"
    authorization = "none"
  }
  "GET /whoami" = {
    function_name = "example-dev-whoami"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:222222222222:function:example-dev-whoami/invocations"
    authorization = "authorizer"
  }
}
