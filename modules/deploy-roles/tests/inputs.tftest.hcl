# Asserts that every bad input is refused. No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  organization           = "example"
  account_id             = "111111111111"
  account_name           = "security"
  region                 = "eu-west-1"
  state_bucket_name      = "example-tfstate-111111111111"
  plan_bucket_name       = "example-plans-111111111111"
  github_repository      = "example-org/aws-api-gateway-mtls"
  trusted_principal_arns = ["arn:aws:iam::999999999999:root"]
  ceremony = {
    ca_bucket_name         = "example-ca-111111111111"
    pki_writer_role_arns   = ["arn:aws:iam::222222222222:role/example-dev-pki-writer"]
    trusted_principal_arns = ["arn:aws:iam::111111111111:role/security-officer"]
  }
}

run "refuses_an_organization_in_upper_case" {
  command = plan
  variables {
    organization = "Example"
  }
  expect_failures = [var.organization]
}

run "refuses_an_account_id_of_thirteen_digits" {
  command = plan
  variables {
    account_id = "1111111111111"
  }
  expect_failures = [var.account_id]
}

run "refuses_an_account_name_with_a_space" {
  command = plan
  variables {
    account_name = "non prod"
  }
  expect_failures = [var.account_name]
}

run "refuses_a_region_that_is_a_zone" {
  command = plan
  variables {
    region = "eu-west-1a"
  }
  expect_failures = [var.region]
}

run "refuses_a_state_bucket_with_a_wildcard" {
  command = plan
  variables {
    state_bucket_name = "example-*"
  }
  expect_failures = [var.state_bucket_name]
}

run "refuses_a_repository_without_an_owner" {
  command = plan
  variables {
    github_repository = "aws-api-gateway-mtls"
  }
  expect_failures = [var.github_repository]
}

run "refuses_every_repository_of_an_owner" {
  command = plan
  variables {
    github_repository = "example-org/*"
  }
  expect_failures = [var.github_repository]
}

run "refuses_a_wildcard_as_repository_id" {
  command = plan
  variables {
    github_repository_ids = { owner = "12", repository = "*" }
  }
  expect_failures = [var.github_repository_ids]
}

run "refuses_a_negative_owner_id" {
  command = plan
  variables {
    github_repository_ids = { owner = "-12", repository = "34" }
  }
  expect_failures = [var.github_repository_ids]
}

run "refuses_every_github_environment" {
  command = plan
  variables {
    github_environments = ["dev", "*"]
  }
  expect_failures = [var.github_environments]
}

run "refuses_every_workflow" {
  command = plan
  variables {
    apply_workflow = ".github/workflows/*"
  }
  expect_failures = [var.apply_workflow]
}

run "refuses_a_workflow_outside_the_workflows_folder" {
  command = plan
  variables {
    apply_workflow = "api-infrastructure.yml"
  }
  expect_failures = [var.apply_workflow]
}

run "refuses_everyone_as_a_trusted_principal" {
  command = plan
  variables {
    trusted_principal_arns = ["*"]
  }
  expect_failures = [var.trusted_principal_arns]
}

run "refuses_every_role_of_an_account_as_a_trusted_principal" {
  command = plan
  variables {
    trusted_principal_arns = ["arn:aws:iam::999999999999:role/*"]
  }
  expect_failures = [var.trusted_principal_arns]
}

run "refuses_every_bucket_as_the_ca_bucket" {
  command = plan
  variables {
    ceremony = {
      ca_bucket_name         = "*"
      pki_writer_role_arns   = []
      trusted_principal_arns = []
    }
  }
  expect_failures = [var.ceremony]
}

run "refuses_a_writer_role_that_is_no_writer" {
  command = plan
  variables {
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = ["arn:aws:iam::222222222222:role/example-apply"]
      trusted_principal_arns = []
    }
  }
  expect_failures = [var.ceremony]
}

run "refuses_the_writer_roles_of_every_account" {
  command = plan
  variables {
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = ["arn:aws:iam::*:role/example-dev-pki-writer"]
      trusted_principal_arns = []
    }
  }
  expect_failures = [var.ceremony]
}

run "refuses_everyone_as_a_ceremony_holder" {
  command = plan
  variables {
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = []
      trusted_principal_arns = ["*"]
    }
  }
  expect_failures = [var.ceremony]
}

run "refuses_every_environment_for_a_ceremony" {
  command = plan
  variables {
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = []
      trusted_principal_arns = []
      github_environment     = "*"
    }
  }
  expect_failures = [var.ceremony]
}

run "refuses_every_workflow_for_a_ceremony" {
  command = plan
  variables {
    ceremony = {
      ca_bucket_name         = "example-ca-111111111111"
      pki_writer_role_arns   = []
      trusted_principal_arns = []
      workflow               = ".github/workflows/*"
    }
  }
  expect_failures = [var.ceremony]
}

run "refuses_a_plan_bucket_in_upper_case" {
  command = plan
  variables {
    plan_bucket_name = "Example-plans"
  }
  expect_failures = [var.plan_bucket_name]
}
