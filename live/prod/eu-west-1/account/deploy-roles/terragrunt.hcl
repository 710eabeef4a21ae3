# The roles that the pipeline takes in this account: `plan` reads, `apply` writes.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["deploy-roles"]
}

dependency "state_bucket" {
  config_path = "../state-bucket"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    bucket_name = "mock-tfstate-000000000000"
  }
}

inputs = {
  # required
  organization      = include.root.locals.organization.organization
  account_id        = include.root.locals.account_id
  account_name      = include.root.locals.account.name
  region            = include.root.locals.region
  state_bucket_name = dependency.state_bucket.outputs.bucket_name
  plan_bucket_name  = include.root.locals.plan_bucket_name
  github_repository = include.root.locals.organization.github_repository

  # optional
  # Repositories made since July 2026 name themselves to AWS with their ids: fill in both, or no workflow gets in.
  # github_repository_ids  = { owner = "1", repository = "2" }
  trusted_principal_arns = include.root.locals.account.operators

  # What this account needs once, and each environment that it holds: each with reviewers of its own.
  github_environments = concat(
    [include.root.locals.account.name],
    [for environment, id in include.root.locals.workload_accounts : environment if id == include.root.locals.account_id],
  )
}
