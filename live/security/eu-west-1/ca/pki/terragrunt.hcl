# The keys of the certificate authority and the bucket of its certificates. The certificates themselves are made by
# `bootstrap-ca`, in a ceremony: Terraform never signs.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["pki"]
}

dependency "deploy_roles" {
  config_path = "../../account/deploy-roles"

  mock_outputs_allowed_terraform_commands = ["init", "validate", "plan"]
  mock_outputs = {
    ceremony_role_arn = "arn:aws:iam::000000000000:role/mock-ceremony"
  }
}

inputs = {
  # required
  organization       = include.root.locals.organization.organization
  account_id         = include.root.locals.account_id
  ceremony_role_name = basename(dependency.deploy_roles.outputs.ceremony_role_arn)

  # A generation is never edited, only added, and removed when nothing that it issued is still in use.
  issuing_cas = {
    dev = ["g1"]
  }

  # optional
  root_generations = ["g1"]
}
