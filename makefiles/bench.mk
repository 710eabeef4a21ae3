##@ Measurements

.PHONY: bench
bench: ## Measure how many certificates a second are issued, beside openssl and step
	@$(PYTHON) -m tools.bench.issuance $(ARGS)
