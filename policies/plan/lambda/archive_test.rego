package plan.lambda.archive_test

import data.lib.fixture_test as fixture
import data.plan.lambda.archive as rule

function(after, after_unknown) := fixture.document([fixture.resource("aws_lambda_function", after, after_unknown)])

test_allow_image if {
	plan := function({"package_type": "Image"}, {})
	count(rule.warn) == 0 with input as plan
	count(rule.deny) == 0 with input as plan with data.images as {}
	count(rule.undecided) == 0 with input as plan
}

test_warn_of_zip if {
	count(rule.warn) == 1 with input as function({"package_type": "Zip"}, {})
	count(rule.deny) == 0 with input as function({"package_type": "Zip"}, {})
}

test_deny_zip_where_images_are_known if {
	count(rule.deny) == 1 with input as function({"package_type": "Zip"}, {}) with data.images as {}
	count(rule.warn) == 0 with input as function({"package_type": "Zip"}, {}) with data.images as {}
}

test_undecided_unknown if {
	every after_unknown in [{"package_type": true}, true] {
		plan := function({}, after_unknown)
		count(rule.undecided) == 1 with input as plan
		count(rule.warn) == 0 with input as plan
	}
}
