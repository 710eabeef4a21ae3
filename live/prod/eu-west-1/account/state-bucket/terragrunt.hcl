# Where the state of every unit in this account lives, this one's included: see "The first day on AWS" in live/README.md.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["state-bucket"]
}

inputs = {
  bucket_name = include.root.locals.state_bucket_name
}
