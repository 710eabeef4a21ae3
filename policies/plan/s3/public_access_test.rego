package plan.s3.public_access_test

import data.lib.fixture_test as fixture
import data.plan.s3.public_access as rule

bucket := fixture.resource("aws_s3_bucket", {"bucket": "example"}, {})

blocked := object.union({"bucket": "example"}, {setting: true | some setting in rule.settings})

block(after, after_unknown) := fixture.resource("aws_s3_bucket_public_access_block", after, after_unknown)

acl(after, after_unknown) := fixture.document([fixture.resource("aws_s3_bucket_acl", after, after_unknown)])

test_allow_blocked if {
	plan := fixture.document([bucket, block(blocked, {"id": true})])
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_without_block if {
	fixture.messages(rule.deny) == {"public access is not blocked"} with input as fixture.document([bucket])
}

test_deny_each_setting if {
	every setting in rule.settings {
		off := object.union(blocked, {setting: false})
		planned := fixture.document([block(off, {})])
		fixture.messages(rule.deny) == {sprintf("%s is not true", [setting])} with input as planned
	}
}

test_undecided_unknown_setting if {
	plan := fixture.document([block(blocked, {"block_public_acls": true})])
	fixture.messages(rule.undecided) == {"block_public_acls is unknown"} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown_resource if {
	count(rule.undecided) == 4 with input as fixture.document([block({}, true)])
}

test_allow_private_acl if {
	count(rule.deny) == 0 with input as acl({"acl": "private"}, {})
}

test_deny_public_acl if {
	fixture.messages(rule.deny) == {"the list public-read is public"} with input as acl({"acl": "public-read"}, {})
}

test_undecided_unknown_acl if {
	fixture.messages(rule.undecided) == {"acl is unknown"} with input as acl({}, {"acl": true})
}
