##@ Code

.PHONY: lint
lint: ## Run every check, or those named in ARGS
	@$(PYTHON) -m tools.lint $(ARGS)

.PHONY: format
format: ## Format Python, Terraform, Terragrunt and Rego
	@$(UV_RUN) ruff format
	@$(UV_RUN) ruff check --fix-only --quiet
	@$(call with,terraform) terraform fmt -recursive
	@$(call with,terragrunt) terragrunt hcl fmt
	@$(call with,opa) opa fmt --write policies
