##@ Documentation

.PHONY: docs
docs: ## Regenerate the tables in the modules' READMEs, and the list of all rules
	@$(call with,terraform-docs) terraform-docs modules
	@$(call with,opa) python -m tools.policy_docs

.PHONY: docs-check
docs-check: ## Check that they are current
	@$(PYTHON) -m tools.lint docs policy-docs
