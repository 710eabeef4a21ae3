# What every test here starts from; a run changes what it is about.

name_prefix      = "example-dev"
environment      = "dev"
parameter_prefix = "/example/dev"
account_id       = "222222222222"
region           = "eu-west-1"
domain_prefix    = "example-dev-222222222222"
api_domain_name  = "api.dev.example.com"

resource_server = {
  identifier = "api"
  scopes = {
    read  = "Read through the API"
    write = "Change through the API"
  }
}

app_clients = {
  default   = { scopes = ["api/write", "api/read"] }
  partner-a = { scopes = ["api/read"] }
}

packages = {
  token         = { image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-token@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
  token_binding = { image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-token-binding@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
}

registry_table_name = "example-dev-registry"
registry_table_arn  = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"
