package live.pins.pinned_test

import data.lib.example_test as example
import data.live.pins.pinned

test_allow_pinned_module if count(pinned.deny) == 0 with input as example.whole

test_deny_module_without_pin if count(pinned.deny) == 1 with input as example.with_unit({"module": "watch"})

test_deny_where_there_are_no_pins_at_all if count(pinned.deny) == 1 with input as example.with_environments([])

# No module at all is the finding of another rule.
test_allow_without_module if count(pinned.deny) == 0 with input as example.with_unit({"module": ""})
