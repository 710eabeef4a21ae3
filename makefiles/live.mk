##@ Accounts and environments

# The units of one environment, found by name: live/<account>/<region>/<environment>
unit_folder = $(or $(wildcard live/*/*/$(ENV)),$(error ENV=$(ENV): no folder live/<account>/<region>/$(ENV)))

.PHONY: plan
plan: ## Plan an environment: make plan ENV=dev
	@$(if $(ENV),,$(error ENV is not set, try: make plan ENV=dev))
	@$(call with,terraform terragrunt) terragrunt run --all --non-interactive --working-dir $(unit_folder) -- plan $(ARGS)

.PHONY: apply
apply: ## Apply an environment: make apply ENV=dev
	@$(if $(ENV),,$(error ENV is not set, try: make apply ENV=dev))
	@MTLS_ROLE=apply $(call with,terraform terragrunt) terragrunt run --all --working-dir $(unit_folder) -- apply $(ARGS)

.PHONY: bootstrap-account
bootstrap-account: ## Make an account's state bucket, roles and, in security, the CA, as its administrator: make bootstrap-account ACCOUNT=security
	@$(if $(ACCOUNT),,$(error ACCOUNT is not set, try: make bootstrap-account ACCOUNT=security))
	@$(PYTHON) -m tools.bootstrap_account $(ACCOUNT)
