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

locals {
  # The facts that the commands of pki/ read too: who keeps each level's keys, and of what type new ones are.
  keepers   = { for level in ["root", "issuing"] : level => try(include.root.locals.organization.certificate_authority[level].keeper, "kms") }
  key_types = { for level in ["root", "issuing"] : level => try(include.root.locals.organization.certificate_authority[level].key_type, "rsa-4096") }
  specs     = { rsa-4096 = "RSA_4096", rsa-2048 = "RSA_2048", ec-p384 = "ECC_NIST_P384", ec-p256 = "ECC_NIST_P256" }

  # Of the root; those of the issuing CAs stand in env.hcl.
  root_generations = ["g1"]
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

  # A generation is never edited, only added, and removed when nothing that it issued is still in use.
  issuing_cas = { for environment, generations in include.root.locals.environment.issuing_cas : environment => generations if local.keepers.issuing == "kms" }

  # optional
  root_generations = [for generation in local.root_generations : generation if local.keepers.root == "kms"]
  root_key_spec    = local.specs[local.key_types.root]
  issuing_key_spec = local.specs[local.key_types.issuing]
  stores_keys      = length(setintersection(values(local.keepers), ["ssm", "secretsmanager"])) > 0
  alarm_emails     = include.root.locals.account.alarm_emails
}
