"""The ceremony: a plan, an approval that names the plan, its execution, and its transcript."""
