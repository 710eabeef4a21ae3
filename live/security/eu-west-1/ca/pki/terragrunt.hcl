# The keys of the certificate authority and the bucket of its certificates. The certificates themselves are made by
# `bootstrap-ca`, in a ceremony: Terraform never signs.
#
# An administrator of the account applies this, as `deploy-roles`: `make bootstrap-account ACCOUNT=security`, at any
# time. The pipeline's apply role may not: who can write a key's policy can sign, and who can write the bucket's can
# plant a CA. KMS asks as much of whoever makes a key, lest its policy lock everybody out. A plan is the pipeline's.

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
