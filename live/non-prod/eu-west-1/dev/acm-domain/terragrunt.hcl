# The custom domain that demands a client certificate, and the truststore version it judges by.

include "root" {
  path   = find_in_parent_folders("root.hcl")
  expose = true
}

terraform {
  source = include.root.locals.sources["acm-domain"]
}

locals {
  # Read here and not in inputs, so that Terragrunt knows the unit reads it: changing the pin selects this unit.
  # Without a file there is nothing to trust yet, and the module refuses the empty version.
  pin = try(jsondecode(file(mark_as_read(include.root.locals.truststore_pin_file))), { version = "" })
}

dependency "dns_zone" {
  config_path = "../../account/dns-zone"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    zone_ids = { (include.root.locals.zone_name) = "Z000000000000MOCK" }
  }
}

dependency "truststore" {
  config_path = "../truststore"

  mock_outputs_allowed_terraform_commands = ["init", "validate"]
  mock_outputs = {
    uri = "s3://mock-truststore-000000000000/truststore.pem"
  }
}

inputs = {
  # required
  domain_name        = include.root.locals.api_domain_name
  zone_id            = dependency.dns_zone.outputs.zone_ids[include.root.locals.zone_name]
  truststore_uri     = dependency.truststore.outputs.uri
  truststore_version = local.pin.version
}
