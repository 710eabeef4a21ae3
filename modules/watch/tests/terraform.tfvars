name_prefix           = "example-dev"
environment           = "dev"
account_id            = "222222222222"
region                = "eu-west-1"
registry_table_name   = "example-dev-registry"
registry_table_arn    = "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"
truststore_bucket_arn = "arn:aws:s3:::example-dev-truststore-222222222222"
api_domain_name       = "api.dev.example.com"
package = {
  image_uri = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-watch@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}
