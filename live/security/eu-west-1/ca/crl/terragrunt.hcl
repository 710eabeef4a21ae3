# Revocation lists for relying parties other than the API: their bucket, and the function of each environment that signs
# and publishes its lists each hour.
#
# An administrator of the account applies this, as the whole of ca/: `make bootstrap-account ACCOUNT=security`. Who can
# change what signs can sign.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["crl"]
}

locals {
  live  = dirname(find_in_parent_folders("root.hcl"))
  homes = { for unit in fileset(local.live, "*/*/*/registry/terragrunt.hcl") : split("/", unit)[2] => split("/", unit) }
}

inputs = {
  # required
  organization       = include.root.locals.organization.organization
  account_id         = include.root.locals.account_id
  region             = include.root.locals.region
  ceremony_role_name = "${include.root.locals.organization.organization}-ceremony"
  package            = include.root.locals.packages["crl"]

  // Without an issuing CA there is nothing to publish.
  environments = {
    for environment in keys(include.root.locals.environment.issuing_cas) : environment => {
      account_id = include.root.locals.workload_accounts[environment]
      region     = local.homes[environment][1]
    }
  }

  # optional
  // Who may read the lists beside this account: accounts or roles, or whole AWS Organizations (o-...).
  reader_arns             = []
  reader_organization_ids = []
}
