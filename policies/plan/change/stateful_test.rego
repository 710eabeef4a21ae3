package plan.change.stateful_test

import data.lib.fixture_test as fixture
import data.plan.change.stateful as rule

test_allow_keeping if {
	every actions in [["no-op"], ["update"], ["create"]] {
		count(rule.deny) == 0 with input as fixture.document([fixture.change("aws_dynamodb_table", actions, {})])
	}
}

test_allow_deleting_what_can_be_made_again if {
	count(rule.deny) == 0 with input as fixture.document([fixture.change("aws_lambda_function", ["delete"], {})])
}

test_allow_deleting_a_mac_key if {
	mac := fixture.change("aws_kms_key", ["delete"], {"key_usage": "GENERATE_VERIFY_MAC"})
	count(rule.deny) == 0 with input as fixture.document([mac])
}

test_deny_each_way_to_lose if {
	every word, actions in {
		"deletion": ["delete"],
		"forgetting": ["forget"],
		"replacement": ["delete", "create"],
	} {
		every type in rule.types {
			plan := fixture.document([fixture.change(type, actions, {})])
			fixture.messages(rule.deny) == {sprintf("%s of what cannot be made again", [word])} with input as plan
		}
	}
}

test_deny_replacement_that_creates_first if {
	count(rule.deny) == 1 with input as fixture.document([fixture.change("aws_s3_bucket", ["create", "delete"], {})])
}

test_deny_losing_a_signing_key if {
	signing := fixture.change("aws_kms_key", ["delete"], {"key_usage": "SIGN_VERIFY"})
	count(rule.deny) == 1 with input as fixture.document([signing])
}

test_deny_losing_a_key_of_the_certificate_authority if {
	storage := fixture.change("aws_kms_key", ["delete"], {"key_usage": "ENCRYPT_DECRYPT"})
	count(rule.deny) == 1 with input as fixture.document_of(fixture.ca, [storage])
	count(rule.deny) == 0 with input as fixture.document([storage])
}

test_deny_even_when_asked_to_destroy if {
	asked := object.union(fixture.dev, {"destroy": true})
	plan := fixture.document_of(asked, [fixture.change("aws_s3_bucket", ["delete"], {})])
	count(rule.deny) == 1 with input as plan
}
