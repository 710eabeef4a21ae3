bucket_name  = "example-plans-111111111111"
organization = "example"
account_id   = "111111111111"
region       = "eu-west-1"
