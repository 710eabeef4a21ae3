package live.units.reads_test

import data.lib.example_test as example
import data.live.units.reads

inputs(text) := example.with_hcl({"inputs": {"x": [{"y": text}]}})

test_allow_reading_in_locals if count(reads.deny) == 0 with input as example.whole

test_allow_words_that_only_look_like_it if {
	count(reads.deny) == 0 with input as inputs("a profile (or file) of the machine")
	count(reads.deny) == 0 with input as inputs("${dependency.x.outputs.file}")
}

test_deny_reading_in_inputs if {
	every text in [
		"${file(\"x\")}", "a ${ file (\"x\")}", "${file/* */(\"x\")}", "${templatefile(\"x\", {})}",
		"${filesha256(\"x\")}", "${(\nfileset\n(\".\", \"*\"))}",
	] {
		count(reads.deny) == 1 with input as inputs(text)
	}
}

test_finding_names_the_function if {
	some finding in reads.deny with input as inputs("${read_terragrunt_config(\"x\")}")
	finding.message == "inputs call read_terragrunt_config()"
	finding.address == example.unit.path
	finding.file == example.unit.file
}
