##@ Accounts and environments

# A change's way: plan, approve, apply; docs/gitops.md tells it whole. ENV= is an environment, or <account>/<folder> such as
# non-prod/account. Values reach the commands through the shell's environment, where make puts what its command line sets.
PIPELINE := $(PYTHON) -m pipeline

# $(call option,--flag,NAME): the option with that variable's value, when it is set; $(call switch,--flag,NAME): the flag alone.
option = $(if $($(2)),$(1) "$$$(2)")
switch = $(if $($(2)),$(1))
# $(call required,NAME,example)
required = $(if $($(1)),,$(error $(1) is not set, try: make $@ $(2)))
export ENV BASE MODULE FROM TO UNIT LOCK SET DIGEST APPROVER APPROVAL PLANS OUT SUMMARY SARIF

.PHONY: plan
plan: ## Plan and judge a scope, or what a change affects: make plan ENV=dev, make plan BASE=origin/main [ALLOW_DESTROY=1]
	@$(if $(ENV)$(BASE),,$(error neither ENV nor BASE is set, try: make plan ENV=dev))
	@$(PIPELINE) plan $(call option,--environment,ENV) $(call option,--base,BASE) $(call option,--out,OUT) \
		$(call option,--summary,SUMMARY) $(call switch,--allow-destroy,ALLOW_DESTROY) $(call switch,--upload,UPLOAD) $(ARGS)

.PHONY: approve
approve: ## Approve plans that somebody else asked for: make approve SET=build/plans/dev DIGEST=... APPROVER=... APPROVAL=approval.json
	@$(call required,SET,SET=build/plans/dev)$(call required,DIGEST,DIGEST=...)
	@$(call required,APPROVER,APPROVER=...)$(call required,APPROVAL,APPROVAL=approval.json)
	@$(PIPELINE) approve --plans "$$SET" --digest "$$DIGEST" --approver "$$APPROVER" --approval "$$APPROVAL" $(ARGS)

.PHONY: apply
apply: ## Apply what was approved, or plan, ask and apply at a terminal: make apply ENV=dev [APPROVAL=approval.json PLANS=build/plans/dev]
	@$(call required,ENV,ENV=dev)
	@$(PIPELINE) apply --environment "$$ENV" $(call option,--approval,APPROVAL) $(call option,--plans,PLANS) $(ARGS)

.PHONY: destroy
destroy: ## Destroy a whole environment, after its name was typed: make destroy ENV=dev [APPROVAL=approval.json]
	@$(call required,ENV,ENV=dev)
	@$(PIPELINE) destroy --environment "$$ENV" $(call option,--approval,APPROVAL) $(ARGS)

.PHONY: unlock
unlock: ## Clear a lock that a killed run left: make unlock UNIT=non-prod/eu-west-1/dev/registry LOCK=<id>; without LOCK, show it
	@$(call required,UNIT,UNIT=non-prod/eu-west-1/dev/registry)
	@$(PIPELINE) unlock --unit "$$UNIT" $(call option,--lock,LOCK) $(ARGS)

.PHONY: drift
drift: ## Show what differs from what was applied: make drift ENV=dev
	@$(call required,ENV,ENV=dev)
	@$(PIPELINE) drift --environment "$$ENV" $(ARGS)

.PHONY: promote
promote: ## Take a module's version on to the next environment: make promote MODULE=registry FROM=dev TO=stage
	@$(call required,MODULE,MODULE=registry FROM=dev TO=stage)$(call required,FROM,FROM=dev)$(call required,TO,TO=stage)
	@$(PIPELINE) promote --module "$$MODULE" --from "$$FROM" --to "$$TO" $(ARGS)

.PHONY: release
release: ## Version, changelog and tag of the modules that changed: make release [MODULE=registry]
	@$(PIPELINE) release $(call option,--module,MODULE) $(ARGS)

.PHONY: gate
gate: ## Judge live/, modules/ and the Dockerfile, without planning: make gate [BASE=origin/main]
	@$(PIPELINE) gate $(call option,--base,BASE) $(call option,--sarif,SARIF) $(ARGS)

.PHONY: bootstrap-account
bootstrap-account: ## Make an account's state bucket, roles and, in security, the CA, as its administrator: make bootstrap-account ACCOUNT=security
	@$(if $(ACCOUNT),,$(error ACCOUNT is not set, try: make bootstrap-account ACCOUNT=security))
	@$(PYTHON) -m tools.bootstrap_account $(ACCOUNT)
