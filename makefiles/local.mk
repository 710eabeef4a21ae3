##@ Local cloud

.PHONY: demo
demo: ## Bring the platform up on this machine and show who gets in and who does not
	@$(PYTHON) -m local demo $(ARGS)

.PHONY: up
up: ## Bring the platform up: emulator, accounts, certificate authority, API, edge; make up ENVIRONMENTS=dev,stage,prod for more than the first
	@$(PYTHON) -m local up $(ARGS)

.PHONY: status
status: ## Show what runs, and where
	@$(PYTHON) -m local status $(ARGS)

.PHONY: down
down: ## Stop the platform and leave no process behind
	@$(PYTHON) -m local down $(ARGS)
