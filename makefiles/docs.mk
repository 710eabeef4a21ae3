##@ Documentation

.PHONY: docs
docs: ## Regenerate the tables of inputs and outputs in the modules' READMEs
	@$(call with,terraform-docs) terraform-docs modules

.PHONY: docs-check
docs-check: ## Check that those tables are current
	@$(PYTHON) -m tools.lint docs
