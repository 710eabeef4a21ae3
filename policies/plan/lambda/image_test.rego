package plan.lambda.image_test

import data.lib.fixture_test as fixture
import data.plan.lambda.image as rule

repository := "222222222222.dkr.ecr.eu-west-1.amazonaws.com/example-whoami"

image := sprintf("%s@sha256:%s", [repository, concat("", ["ab" | some _ in numbers.range(1, 32)])])

function(after, after_unknown) := fixture.document([fixture.resource("aws_lambda_function", after, after_unknown)])

test_allow_verified if {
	plan := function({"image_uri": image}, {"arn": true})
	count(rule.deny) == 0 with input as plan with data.images as {image: {"verified": true}}
	count(rule.undecided) == 0 with input as plan with data.images as {image: {"verified": true}}
}

test_allow_zip if {
	plan := function({"package_type": "Zip", "image_uri": null}, {})
	count(rule.deny) == 0 with input as plan
	count(rule.undecided) == 0 with input as plan
}

test_deny_tag if {
	every tagged in [sprintf("%s:latest", [repository]), repository, sprintf("%s@sha256:ab", [repository])] {
		planned := function({"image_uri": tagged}, {})
		fixture.messages(rule.deny) == {sprintf("%s has no digest", [tagged])} with input as planned
	}
}

test_deny_unverified if {
	every images in [{}, {image: {"verified": false}}, {image: {}}] {
		planned := function({"image_uri": image}, {})
		message := sprintf("%s was not verified", [image])
		fixture.messages(rule.deny) == {message} with input as planned with data.images as images
	}
}

test_undecided_when_nothing_is_known_of_images if {
	plan := function({"image_uri": image}, {})
	fixture.messages(rule.undecided) == {sprintf("whether %s was verified is unknown", [image])} with input as plan
	count(rule.deny) == 0 with input as plan
}

test_undecided_unknown if {
	every after_unknown in [{"image_uri": true}, true] {
		fixture.messages(rule.undecided) == {"image_uri is unknown"} with input as function({}, after_unknown)
	}
}
