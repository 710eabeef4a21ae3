package live.modules.prevent_destroy_test

import data.lib.example_test as example
import data.live.modules.prevent_destroy

has(type, protected, key_usage) := example.with_module({"resources": [example.resource(type, protected, key_usage)]})

test_allow_protected if {
	count(prevent_destroy.deny) == 0 with input as example.whole
	count(prevent_destroy.deny) == 0 with input as has("aws_kms_key", true, "SIGN_VERIFY")
}

test_allow_what_can_be_made_anew if {
	count(prevent_destroy.deny) == 0 with input as has("aws_lambda_function", null, null)
	count(prevent_destroy.deny) == 0 with input as has("aws_kms_key", null, "GENERATE_VERIFY_MAC")
	count(prevent_destroy.deny) == 0 with input as has("aws_kms_key", null, null)
}

test_deny_stateful_without_it if {
	every protected in [null, false, "${var.protected}"] {
		every type in ["aws_dynamodb_table", "aws_s3_bucket", "aws_cognito_user_pool"] {
			count(prevent_destroy.deny) == 1 with input as has(type, protected, null)
		}
		count(prevent_destroy.deny) == 1 with input as has("aws_kms_key", protected, "SIGN_VERIFY")
	}
}

# Where an expression says what a key is for, it may be a CA's.
test_deny_where_it_cannot_be_judged if {
	count(prevent_destroy.deny) == 1 with input as has("aws_kms_key", null, "${var.key_usage}")
}
