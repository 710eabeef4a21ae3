##@ Lambda functions

.PHONY: build
build: ## Build each function's reproducible zip
	@$(PYTHON) -m tools.build_functions $(ARGS)
