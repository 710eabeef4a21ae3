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

provision-client: ## Issue a client certificate from a CSR (ARGS='--help')
	@$(UV_RUN) provision-client $(ARGS)

upload-truststore: ## Lint the truststore and upload it (ARGS='--help')
	@$(UV_RUN) upload-truststore $(ARGS)

revoke-client: ## Revoke a client certificate (ARGS='--help')
	@$(UV_RUN) revoke-client $(ARGS)

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
