# The path is the fact; organization.yaml says which AWS account this is.
locals {
  name = basename(get_terragrunt_dir())

  # IAM principals (ARNs) that may take the plan and apply roles beside the pipeline, such as an administrator's role.
  operators = []

  # IAM principals (ARNs) that may hold a ceremony beside the pipeline: who signs need not be who deploys.
  ceremony_holders = []

  # Who is told when a root's key is used, enabled or changed: e-mail addresses.
  alarm_emails = []
}
