# What the account needs once, whatever environments it holds.
locals {
  name = basename(get_terragrunt_dir())
}
