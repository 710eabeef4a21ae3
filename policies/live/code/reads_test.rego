package live.code.reads_test

import data.lib.example_test as example
import data.live.code.reads

unit_reads(text) := example.with_hcl({"locals": [{"x": text}]})

test_allow_what_root_and_units_read if {
	count(reads.deny) == 0 with input as example.whole
	count(reads.deny) == 0 with input as example.with_root_text(concat("\n", reads.by_root))
	count(reads.deny) == 0 with input as example.with_text(concat("\n", reads.by_units))
}

test_allow_prose if {
	text := "# Kept in a file\n# (see there).\nname = basename(get_terragrunt_dir()) // a profile, read once"
	count(reads.deny) == 0 with input as example.with_text(text)
}

test_deny_reading_in_a_unit if {
	texts := {
		"${read_terragrunt_config(\"${get_repo_root()}/docs/evil.hcl\").locals.y}",
		"${read_tfvars_file(\"x\")}",
		"${templatefile(\"/proc/self/environ\", {})}",
		"${file(\"/proc/self/environ\")}",
		"${filebase64 /* */ (\"x\")}",
		"${fileset(\"/\", \"**\")}",
		"${read_terragrunt_config(find_in_parent_folders(\"env.hcl\"))}",
		"${templatefile(mark_as_read(include.root.locals.truststore_pin_file))}",
	}
	every text in texts {
		count(reads.deny) == 1 with input as unit_reads(text)
		count(reads.deny) == 1 with input as example.with_text(text)
		count(reads.deny) == 1 with input as example.with_config_text("live/prod/account.hcl", text)
	}
}

test_deny_reading_more_in_root if {
	every text in {
		"${read_terragrunt_config(\"x\")}", "${file(\"x\")}",
		"${file(include.root.locals.truststore_pin_file)}",
	} {
		count(reads.deny) == 1 with input as example.with_root_locals({"x": text})
		count(reads.deny) == 1 with input as example.with_root_text(text)
	}
}

test_deny_reading_as_units_do_beside_them if {
	text := "${file(include.root.locals.truststore_pin_file)}"
	count(reads.deny) == 1 with input as example.with_config_text("live/prod/account.hcl", text)
}

test_deny_another_file_for_the_truststores_version if {
	every file in ["/proc/self/environ", null] {
		count(reads.deny) == 1 with input as example.with_root_locals({"truststore_pin_file": file})
	}
}

test_deny_listing_another_folder if {
	own := "${dirname(find_in_parent_folders(\"root.hcl\"))}"
	count(reads.deny) == 0 with input as example.with_hcl({"locals": [{"live": own}]})
	count(reads.deny) == 1 with input as example.with_hcl({"locals": [{"live": "/"}]})
}
