organization       = "example"
account_id         = "111111111111"
region             = "eu-west-1"
ceremony_role_name = "example-ceremony"
