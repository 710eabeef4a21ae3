##@ Tools

.PHONY: help
help: ## List the targets
	@awk -f tools/help.awk $(MAKEFILE_LIST)

.PHONY: tools
tools: ## Provide every tool: found on PATH, or built once into the user's cache
	@$(PYTHON) -m tools.install

.PHONY: install
install: ## Sync the Python environment with the lock and install the git hooks
	@$(BOOTSTRAP) uv sync --frozen
	@$(UV_RUN) pre-commit install
