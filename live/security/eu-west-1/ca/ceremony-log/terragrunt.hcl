# The proof of every ceremony: transcripts that nobody can alter, the key that signs them, and the trail that shows each
# use of a CA key. `verify-transcript` holds them against each other.
#
# An administrator of the account applies this, as the whole of ca/: `make bootstrap-account ACCOUNT=security`. Who can
# write these policies can write transcripts.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["ceremony-log"]
}

dependency "deploy_roles" {
  config_path = "../../account/deploy-roles"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    ceremony_role_arn = "arn:aws:iam::000000000000:role/mock-ceremony"
  }
}

inputs = {
  # required
  organization       = include.root.locals.organization.organization
  account_id         = include.root.locals.account_id
  region             = include.root.locals.region
  ceremony_role_name = basename(dependency.deploy_roles.outputs.ceremony_role_arn)

  # optional
  # What COMPLIANCE locks, nobody deletes for ten years: try out with { mode = "GOVERNANCE", days = 1 }.
  retention = { mode = "COMPLIANCE", days = 3653 }
}
