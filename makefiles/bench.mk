##@ Measurements

.PHONY: bench bench-issuance
bench: bench-issuance bench-policies bench-precommit bench-planning ## Measure all of what follows, but for bench-revocation

bench-issuance: ## Measure how many certificates a second are issued, beside openssl and step
	@$(PYTHON) -m tools.bench.issuance $(ARGS)

.PHONY: bench-policies bench-precommit bench-planning
bench-policies: ## Measure policy over 200 plans, beside one `opa eval` for each
	@$(PYTHON) -m tools.bench.policies $(ARGS)

bench-precommit: ## Measure how long a commit of one file waits for its gates, beside all files
	@$(PYTHON) -m tools.bench.precommit $(ARGS)

bench-planning: ## Measure the plan of one unit as an organisation grows, beside all units (ARGS='--environments 40')
	@$(PYTHON) -m local.planning_bench $(ARGS)

.PHONY: bench-revocation
bench-revocation: ## Measure, on the running platform, how long a revoked certificate is still let in
	@$(PYTHON) -m local.revocation_bench $(ARGS)
