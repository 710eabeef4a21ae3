package gate.live_test

import data.gate.live
import data.lib.example_test as example

ids(findings) := {finding.id | some finding in findings}

test_allow_the_example if {
	live.result == {"deny": set(), "warn": set(), "undecided": set()} with input as example.whole
}

test_deny_what_a_rule_denies if {
	ids(live.result.deny) == {"TREE-002"} with input as object.union(
		example.whole,
		{"files": array.concat(example.whole.files, ["live/x.tf"])},
	)
}

test_undecided_what_a_rule_cannot_decide if {
	environments := array.concat(
		array.slice(example.document.environments, 0, 2),
		[object.union(example.document.environments[2], {"images": {"authorizer": example.image("b")}})],
	)
	live.result.deny == set() with input as example.with_environments(environments)
	ids(live.result.undecided) == {"DIGEST-002"} with input as example.with_environments(environments)
}

test_deny_what_is_no_configuration if {
	"GATE-003" in ids(live.result.deny) with input as {}
	"GATE-003" in ids(live.result.deny) with input as object.remove(example.whole, {"units"})
	"GATE-003" in ids(live.result.deny) with input as object.union(example.whole, {"problems": null})
}

test_deny_without_units if {
	"GATE-004" in ids(live.result.deny) with input as object.union(example.whole, {"paths": []})
}

test_findings_say_everything if {
	some finding in live.result.deny with input as object.union(example.whole, {"paths": []})
	object.keys(finding) == {"id", "severity", "title", "address", "file", "message", "remedy", "link", "waivable"}
	finding.waivable == false
}

test_warn_what_a_rule_warns_of if {
	live.result.warn == {"x"} with input as example.whole with data.live as {"domain": {"rule": {"warn": {"x"}}}}
}
