# The certificate authority: keys that never leave KMS, and the public certificates.
locals {
  name = basename(get_terragrunt_dir())

  # Environment -> the generations of its issuing CA: "g1", "g2", ... A generation is never edited, only added, and removed
  # when nothing that it issued is still in use.
  generations = {
    dev   = ["g1"]
    stage = ["g1"]
    prod  = ["g1"]
  }

  # A laptop may hold some environments only, and spares the keys of the others.
  chosen      = compact(split(",", get_env("MTLS_ENVIRONMENTS", "")))
  issuing_cas = { for name, generations in local.generations : name => generations if length(local.chosen) == 0 || contains(local.chosen, name) }
}
