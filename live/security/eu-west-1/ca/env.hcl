# The certificate authority: keys that never leave KMS, and the public certificates.
locals {
  name = basename(get_terragrunt_dir())
}
