##@ Workflows

# What only the jobs of GitHub Actions need beside the other targets; each runs on a laptop too, where GITHUB_TOKEN and the
# like are set. Include this after makefiles/live.mk.

# In a job that may ask GitHub for an OIDC token, AWS knows the pipeline by it.
ifneq ($(ACTIONS_ID_TOKEN_REQUEST_URL),)
PIPELINE = $(PYTHON) -m tools.web_identity -- python -m pipeline
endif

# Reports without secrets, which jobs hand on.
SUMMARY_FILE = $(or $(SUMMARY),build/report.json)
DRIFT_FILE = $(or $(SUMMARY),build/drift.json)

.PHONY: summary comment comment-superseded
summary: ## Show a report of plan; in a job also annotations, the run's summary and outputs: make summary [SUMMARY=build/report.json]
	@$(PIPELINE) summary --summary "$(SUMMARY_FILE)" $(ARGS)

comment: ## Write a report of plan to its pull request: make comment PULL_REQUEST=7 PULL_REQUEST_HEAD=<commit>
	@$(PIPELINE) comment --summary "$(SUMMARY_FILE)" $(ARGS)

comment-superseded: ## Say on a pull request's comment that a newer commit is being planned
	@$(PIPELINE) comment --superseded $(ARGS)

.PHONY: approval
approval: ## Write what a reviewer of the run's environment approved: make approval ENV=dev APPROVAL=build/approval.json [DESTROY=1]
	@$(call required,ENV,ENV=dev APPROVAL=build/approval.json)$(call required,APPROVAL,ENV=dev APPROVAL=build/approval.json)
	@$(PIPELINE) approval --environment "$$ENV" --approval "$$APPROVAL" $(call switch,--destroy,DESTROY) $(ARGS)

.PHONY: drift-report drift-issues
drift-report: ## Write the drift of every scope to a file: make drift-report [SUMMARY=build/drift.json]
	@$(PIPELINE) drift --summary "$(DRIFT_FILE)" $(ARGS)

drift-issues: ## Keep one issue for each unit that drifts: make drift-issues [SUMMARY=build/drift.json]
	@$(PIPELINE) drift-issues --summary "$(DRIFT_FILE)" $(ARGS)

.PHONY: smoke
smoke: ## Look at a deployed API from outside, without a certificate: make smoke ENV=dev [DEFAULT_ENDPOINT=<host>]
	@$(call required,ENV,ENV=dev)
	@$(PIPELINE) smoke --environment "$$ENV" $(ARGS)

.PHONY: release-pull-request release-tags
release-pull-request: ## Propose the next release of each module that changed, as a pull request
	@$(PIPELINE) release $(call option,--module,MODULE) --pull-request $(ARGS)

release-tags: ## Tag and push what the modules' changelogs say is released
	@$(PIPELINE) release $(call option,--module,MODULE) --tag --push $(ARGS)
