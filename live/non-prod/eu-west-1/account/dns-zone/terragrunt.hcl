# A zone for each environment in this account, found from the tree: a domain can be delegated to one account only.
# On AWS, delegate each: put its name servers (an output) into the parent domain before `acm-domain` waits for validation.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["dns-zone"]
}

inputs = {
  domain_names = [
    for environment, account_id in include.root.locals.workload_accounts :
    "${environment}.${include.root.locals.organization.domain}" if account_id == include.root.locals.account_id
  ]
}
