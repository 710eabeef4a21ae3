package live.code.provisioners_test

import data.lib.example_test as example
import data.live.code.provisioners

test_allow_none if count(provisioners.deny) == 0 with input as example.whole

test_deny_any if {
	every type in ["local-exec", "remote-exec", "file"] {
		count(provisioners.deny) == 1 with input as example.with_module({"provisioners": [{
			"type": type, "address": "aws_x.this",
			"file": "x",
		}]})
	}
}

removed(keys) := example.with_module({"removed": [{"address": "removed ${aws_x.this}", "keys": keys, "file": "x"}]})

test_allow_removed_block if {
	count(provisioners.deny) == 0 with input as removed(["from", "lifecycle", "lifecycle.destroy"])
}

test_deny_anything_else_in_a_removed_block if {
	every key in ["provisioner", "connection", "lifecycle.provisioner"] {
		count(provisioners.deny) == 1 with input as removed(["from", "lifecycle", "lifecycle.destroy", key])
	}
}
