# The path is the fact; organization.yaml says which AWS account this is.
locals {
  name = basename(get_terragrunt_dir())

  # IAM principals (ARNs) that may take the plan and apply roles beside the pipeline, such as an administrator's role.
  operators = []
}
