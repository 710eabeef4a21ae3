package live.code.providers_test

import data.lib.example_test as example
import data.live.code.providers as rule

requires(name, source) := example.with_module({"providers": [{
	"name": name, "source": source, "version": null,
	"file": "x",
}]})

test_allow_aws if {
	count(rule.deny) == 0 with input as example.whole
	count(rule.deny) == 0 with input as requires("aws", "registry.terraform.io/hashicorp/aws")
}

test_deny_other_providers if {
	every provider in [
		["external", "hashicorp/external"], ["aws", "evil/aws"], ["aws", null],
		["null", "hashicorp/null"],
	] {
		count(rule.deny) == 1 with input as requires(provider[0], provider[1])
	}
}

test_deny_types_that_imply_another_provider if {
	count(rule.deny) == 1 with input as example.with_module({"resources": [example.resource(
		"null_resource", null,
		null,
	)]})
	count(rule.deny) == 1 with input as example.with_module({"data": [{
		"type": "external", "address": "data.external.x",
		"file": "x",
	}]})
}

test_finding_names_file_and_module if {
	some finding in rule.deny with input as requires("external", "hashicorp/external")
	finding.file == "x"
	finding.message == `it requires the provider external from "hashicorp/external"`
	startswith(finding.address, "authorizer (local)")
}
