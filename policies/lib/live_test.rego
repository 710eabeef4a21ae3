package lib.live_test

import data.lib.example_test as example
import data.lib.live

test_exact_versions if {
	live.exact("1.2.10")
	not live.exact("1.2")
	not live.exact(1.2)
}

test_text_keeps_words_apart if {
	contains(live.text({"x": "a\nfile(1) =>file(2)"}), " file(1)")
	contains(live.text({"x": "a\nfile(1) =>file(2)"}), " file(2)")
}

test_flat_texts if {
	live.flattened("a\n  b ") == "a b"
	live.flattened({"x": "a\n b"}) == {"x": "a b"}
	not live.flattened(1)
}

test_home_of_a_unit if live.home(example.unit).name == "dev" with input as example.whole

test_no_home if not live.home(example.unit) with input as example.with_environments([])
