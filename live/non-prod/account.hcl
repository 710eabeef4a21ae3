# The path is the fact; organization.yaml says which AWS account this is.
locals {
  name = basename(get_terragrunt_dir())
}
