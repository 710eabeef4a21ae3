package live.code.module_blocks_test

import data.lib.example_test as example
import data.live.code.module_blocks

test_allow_resources if count(module_blocks.deny) == 0 with input as example.whole

test_deny_provider if {
	some finding in module_blocks.deny with input as example.with_module({"blocks": [{"type": "provider", "file": "x"}]})
	finding.message == "it has a block provider"
}

test_deny_blocks_that_nobody_knows if {
	count(module_blocks.deny) == 1 with input as example.with_module({"blocks": [{"type": "ephemeral", "file": "x"}]})
}

test_deny_backend_and_cloud if {
	every type in ["backend", "cloud"] {
		count(module_blocks.deny) == 1 with input as example.with_module({"backends": [{"type": type, "file": "x"}]})
	}
}
