organization       = "example"
account_id         = "111111111111"
region             = "eu-west-1"
ceremony_role_name = "example-ceremony"

environments = {
  dev = { account_id = "222222222222", region = "eu-west-1" }
}

package = {
  image_uri = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/example-crl@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}
