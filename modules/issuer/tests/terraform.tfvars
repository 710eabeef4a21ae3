organization = "example"
environment  = "dev"
name_prefix  = "example-dev"
domain       = "example.com"
account_id   = "111111111111"
region       = "eu-west-1"

workload = {
  account_name = "non-prod"
  account_id   = "222222222222"
  region       = "eu-west-1"
}

renewal_policy = {
  clients = ["device-*"]
}

package = {
  image_uri = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/example-issuer@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}
