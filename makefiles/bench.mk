##@ Measurements

.PHONY: bench
bench: ## Measure how many certificates a second are issued, beside openssl and step
	@$(PYTHON) -m tools.bench.issuance $(ARGS)

.PHONY: bench-revocation
bench-revocation: ## Measure, on the running platform, how long a revoked certificate is still let in
	@$(PYTHON) -m local.revocation_bench $(ARGS)
