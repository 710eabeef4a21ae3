##@ Certificates

# The account is the one of the environment's credentials: AWS, or the local cloud after `source .local/env.sh`.
.PHONY: diagnose list-clients show-client expiry-report
diagnose: ## Say which check refuses a certificate or token, and what to do (ARGS='--help')
	@$(UV_RUN) diagnose $(ARGS)

.PHONY: bootstrap-ca provision-client upload-truststore revoke-client
bootstrap-ca: ## Issue the root's and the issuing CAs' certificates; Terraform makes their keys (ARGS='--help')
	@$(UV_RUN) bootstrap-ca $(ARGS)

.PHONY: verify-transcript
verify-transcript: ## Prove ceremonies' transcripts, and account for each signature (ARGS='--all')
	@$(UV_RUN) verify-transcript $(ARGS)

provision-client: ## Issue a client certificate from a CSR, or thousands from a CSV file (ARGS='--help')
	@$(UV_RUN) provision-client $(ARGS)

.PHONY: renew-client rekey-client
renew-client: ## Replace a client's certificate, for a new key that it made (ARGS='--help')
	@$(UV_RUN) renew-client $(ARGS)

rekey-client: ## Replace a client's certificate, with a new key made here (ARGS='--help')
	@$(UV_RUN) rekey-client $(ARGS)

upload-truststore: ## Lint the truststore and upload it (ARGS='--help')
	@$(UV_RUN) upload-truststore $(ARGS)

revoke-client: ## Revoke client certificates, one or a file of them (ARGS='--help')
	@$(UV_RUN) revoke-client $(ARGS)

.PHONY: unrevoke-client publish-crl
unrevoke-client: ## End the hold of a client certificate (ARGS='--help')
	@$(UV_RUN) unrevoke-client $(ARGS)

publish-crl: ## Sign and publish revocation lists for other relying parties (ARGS='--help')
	@$(UV_RUN) publish-crl $(ARGS)

.PHONY: truststore rotation
truststore: ## Compare S3, domain and pin; roll a version out; call as a canary (ARGS='--help')
	@$(call with,terraform terragrunt) truststore $(ARGS)

rotation: ## Rotate an environment's issuing CA without a refused call (ARGS='--help')
	@$(call with,terraform terragrunt) rotation $(ARGS)

list-clients: ## List an environment's client certificates (ARGS='--help')
	@$(UV_RUN) list-clients $(ARGS)

show-client: ## Show a client's certificates and what to do next (ARGS='--help')
	@$(UV_RUN) show-client $(ARGS)

expiry-report: ## Report what ends when, as a table, JSON or a page (ARGS='--help')
	@$(UV_RUN) expiry-report $(ARGS)

# A ceremony: OPERATION=bootstrap, rotate-issuing-ca (with ENV=dev) or renew-root, and GENERATION=g2 where the next one
# is not meant. What is asked for comes from the environment and reaches no shell as text. In a job of GitHub Actions the
# ceremony role is taken with the job's OIDC token, and the approval is that of the run's reviewer.
CEREMONY_DIR ?= .local/ceremony
export CEREMONY_DIR

define ceremony
case "$${OPERATION:-}" in \
  bootstrap) set -- bootstrap-ca ;; \
  rotate-issuing-ca | renew-root) set -- "$$OPERATION" ;; \
  *) echo 'error: OPERATION is not set, try: make $@ OPERATION=bootstrap (or rotate-issuing-ca, renew-root)' >&2; exit 2 ;; \
esac
endef
define wanted
set -- "$$@" $${ENV:+--environment "$$ENV"} $${GENERATION:+--generation "$$GENERATION"}
endef
as_job = $(PYTHON) -m tools.web_identity --

.PHONY: ceremony ceremony-plan ceremony-approve ceremony-execute
ceremony: ## Hold a ceremony at this terminal, approved by typing: make ceremony OPERATION=rotate-issuing-ca ENV=dev
	@$(ceremony); $(wanted); $(as_job) "$$@" --directory "$$CEREMONY_DIR" --transcript "$$CEREMONY_DIR/transcripts" $(ARGS)

ceremony-plan: ## Write the plan of a ceremony and show its digest: make ceremony-plan OPERATION=bootstrap
	@$(ceremony); $(wanted); $(as_job) "$$@" --plan "$$CEREMONY_DIR/plan.json" $(ARGS)

ceremony-approve: ## Approve the plan of a ceremony: make ceremony-approve DIGEST=sha256:...
	@if [ "$${GITHUB_ACTIONS:-}" = true ]; then set -- --from-github-run; else set -- --digest "$${DIGEST:-}"; fi; \
	$(UV_RUN) approve-ceremony "$$CEREMONY_DIR/plan.json" "$$@" --approval "$$CEREMONY_DIR/approval.json" $(ARGS)

ceremony-execute: ## Execute the approved plan of a ceremony: make ceremony-execute OPERATION=bootstrap
	@$(ceremony); $(as_job) "$$@" --execute "$$CEREMONY_DIR/plan.json" --approval "$$CEREMONY_DIR/approval.json" \
	  --transcript "$$CEREMONY_DIR/transcripts" $(ARGS)
