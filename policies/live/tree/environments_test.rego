package live.tree.environments_test

import data.lib.example_test as example
import data.live.tree.environments

messages contains finding.message if some finding in environments.deny

renamed(index, changes) := [result |
	some at, environment in example.document.environments
	result := object.union(environment, {true: changes, false: {}}[at == index])
]

test_allow_complete_environments if count(environments.deny) == 0 with input as example.whole

test_deny_missing_file if {
	left := [file | some file in example.whole.files; not endswith(file, "/stage/env.hcl")]
	messages == {"live/non-prod/eu-west-1/stage/env.hcl is missing"} with input as object.union(
		example.whole,
		{"files": left},
	)
}

test_deny_one_name_twice if {
	twice := array.concat(example.document.environments, [object.union(
		example.document.environments[0],
		{"folder": "non-prod/eu-central-1/dev", "region": "eu-west-1"},
	)])
	message := "live/non-prod/eu-west-1/dev has the same name as live/non-prod/eu-central-1/dev"
	message in messages with input as example.with_environments(twice)
}

test_deny_environment_without_a_place if {
	document := object.union(example.whole, {"promotion": ["dev", "stage"]})
	messages == {"it has no place in promotion"} with input as document
}

test_deny_folder_that_is_nothing if {
	document := example.with_environments(renamed(3, {"folder_name": "acount"}))
	messages == {"acount is neither an environment of promotion nor an account's own folder"} with input as document
}

test_deny_place_without_environment if {
	document := object.union(example.whole, {"promotion": ["dev", "stage", "prod", "moon"]})
	messages == {"promotion names moon, which has no units"} with input as document
}

test_deny_place_that_is_given_twice if {
	document := object.union(example.whole, {"promotion": ["dev", "stage", "prod", "dev"]})
	messages == {"promotion names an environment twice"} with input as document
}

test_deny_missing_images if {
	left := [file | some file in example.whole.files; not endswith(file, "/stage/images.hcl")]
	messages == {"live/non-prod/eu-west-1/stage/images.hcl is missing"} with input as object.union(
		example.whole,
		{"files": left},
	)
}

test_images_only_where_functions_run if {
	without := object.union(example.whole, {"files": []})
	needed := {"ca": 1, "account": 0}
	every name, number in needed {
		document := object.union(without, {"environments": [example.own_folder("non-prod", name)]})
		found := messages with input as object.union(document, {"promotion": []})
		count([message | some message in found; endswith(message, "images.hcl is missing")]) == number
	}
}
