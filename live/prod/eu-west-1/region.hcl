# The path is the fact.
locals {
  region = basename(get_terragrunt_dir())
}
