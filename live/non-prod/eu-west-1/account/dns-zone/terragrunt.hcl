# The zone of the organisation's domain for the environments in this account.
# On AWS, delegate it: put its name servers (an output) into the parent domain before `acm-domain` waits for validation.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["dns-zone"]
}

inputs = {
  domain_name = include.root.locals.organization.domain
}
