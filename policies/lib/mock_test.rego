package lib.mock_test

import data.lib.mock
import data.plan.mock.sentinel

# What the rule over live/ takes for a mark, the rule over plans finds.
test_both_rules_have_one_mark if contains(sentinel.pattern, mock.mark)
