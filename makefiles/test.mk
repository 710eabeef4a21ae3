##@ Tests

# Tests start commands by the hundred: each starts in half the time when the packages that it imports are compiled,
# which it cannot do for itself where PYTHONDONTWRITEBYTECODE is set, as in containers.
test test-unit test-e2e test-pullrequests: export UV_COMPILE_BYTECODE := 1

.PHONY: test
test: test-lint test-policies test-terraform test-unit test-e2e ## Run everything that CI runs

# `terraform test` validates every module too, and is the slower half.
.PHONY: test-lint
test-lint: ## Run every check that no other test makes anyway
	@$(PYTHON) -m tools.lint --without terraform-validate

.PHONY: test-unit
test-unit: ## Run the Python tests that need no platform
	@$(call with,terraform terragrunt opa softhsm2-util) pytest -m 'not platform' -n auto --dist loadfile $(ARGS)

.PHONY: test-e2e
test-e2e: ## Run the tests against a platform of their own
	@$(call with,terraform terragrunt opa vegeta) pytest -m platform --ignore tests/pullrequests $(ARGS)

.PHONY: test-pullrequests
test-pullrequests: ## Make pull requests, good and bad, to an organisation in a local cloud of their own
	@$(call with,terraform terragrunt opa) pytest tests/pullrequests $(ARGS)

.PHONY: test-terraform
test-terraform: ## Run `terraform test` in every module, or in ARGS
	@$(PYTHON) -m tools.terraform_test $(ARGS)

.PHONY: test-policies
test-policies: ## Test the policies, and that the tests reach every line; ARGS='--run kms' for some
	@$(PYTHON) -m tools.policy_test $(ARGS)
