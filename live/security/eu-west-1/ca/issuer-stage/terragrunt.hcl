# Renewal by the devices of stage: the function that judges and signs, and the role through which stage's `est` asks it.
#
# An administrator of the account applies this, as the whole of ca/: `make bootstrap-account ACCOUNT=security`. Who can
# change what signs can sign.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["issuer"]
}

locals {
  environment = "stage"
  live        = dirname(find_in_parent_folders("root.hcl"))
  workload    = one([for unit in fileset(local.live, "*/*/${local.environment}/registry/terragrunt.hcl") : split("/", unit)])
}

inputs = {
  # required
  organization = include.root.locals.organization.organization
  environment  = local.environment
  name_prefix  = "${include.root.locals.organization.organization}-${local.environment}"
  domain       = include.root.locals.organization.domain
  account_id   = include.root.locals.account_id
  region       = include.root.locals.region
  package      = include.root.locals.packages["issuer"]

  workload = {
    account_name = local.workload[0]
    account_id   = include.root.locals.workload_accounts[local.environment]
    region       = local.workload[1]
  }

  // Who may renew, and when: a device has the last 30 days of its certificate for it, and a week to change over.
  renewal_policy = {
    clients       = ["*"]
    window_days   = 30
    lifetime_days = 90
    overlap_days  = 7
  }
}
