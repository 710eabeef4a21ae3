################################################################################
# Where
################################################################################

variable "organization" {
  description = "Prefix of every name on the platform: `example` makes the roles `example-plan`, `example-apply` and `example-ceremony`. The apply role reaches nothing whose name starts otherwise, where the service lets a policy say so."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.organization))
    error_message = "organization: 2 to 21 lower-case letters, digits and hyphens expected, a letter first."
  }
}

variable "account_id" {
  description = "Id of the AWS account that the roles are for (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: 12 digits expected, as a string."
  }
}

variable "account_name" {
  description = "Name of the account in `live/`, such as `non-prod`; also the GitHub environment that guards its apply unless `github_environments` says otherwise."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.account_name))
    error_message = "account_name: 2 to 31 lower-case letters, digits and hyphens expected, a letter first."
  }
}

variable "region" {
  description = "AWS region that the platform uses, such as `eu-west-1`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: an AWS region expected, such as eu-west-1."
  }
}

variable "state_bucket_name" {
  description = "Name of the account's state bucket (see `state-bucket`)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket_name))
    error_message = "state_bucket_name: 3 to 63 lower-case letters, digits and hyphens expected, a letter or digit at both ends."
  }
}

variable "plan_bucket_name" {
  description = "Name of the account's plan bucket (see `plan-bucket`)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.plan_bucket_name))
    error_message = "plan_bucket_name: 3 to 63 lower-case letters, digits and hyphens expected, a letter or digit at both ends."
  }
}

################################################################################
# Who
################################################################################

variable "github_repository" {
  description = "Repository whose workflows may assume the roles: `owner/name`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$", var.github_repository))
    error_message = "github_repository: owner/name expected, without wildcards, such as example-org/aws-api-gateway-mtls."
  }
}

variable "github_repository_ids" {
  description = "Numeric ids of the repository and its owner, for repositories whose OIDC subject carries them (`repo:OWNER@ID/REPO@ID:...`: those made since July 2026, and those that switched). When set, only that form is trusted: a name can be taken over, an id cannot. `gh api repos/OWNER/REPO --jq '{owner: .owner.id, repository: .id}'` prints them."
  type = object({
    owner      = string
    repository = string
  })
  default = null

  validation {
    condition     = var.github_repository_ids == null || can(regex("^[1-9][0-9]*/[1-9][0-9]*$", "${var.github_repository_ids.owner}/${var.github_repository_ids.repository}"))
    error_message = "github_repository_ids: two positive whole numbers expected."
  }
}

variable "github_environments" {
  description = "GitHub environments that an apply may run in, each with its reviewers: the account's own for what it needs once, and one for each environment that it holds. Default: `account_name` alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for name in var.github_environments : can(regex("^[A-Za-z0-9_-]{1,64}$", name))])
    error_message = "github_environments: names of 1 to 64 letters, digits, hyphens and underscores expected, without wildcards."
  }
}

variable "apply_workflow" {
  description = "Path of the workflow file that alone may assume the apply role, at `main`."
  type        = string
  default     = ".github/workflows/api-infrastructure.yml"
  nullable    = false

  validation {
    condition     = can(regex("^\\.github/workflows/[A-Za-z0-9._-]+\\.ya?ml$", var.apply_workflow))
    error_message = "apply_workflow: the path of one workflow file expected, such as .github/workflows/api-infrastructure.yml."
  }
}

variable "create_oidc_provider" {
  description = "Whether to make GitHub's OIDC provider. An account has at most one: `false` where it is there already."
  type        = bool
  default     = true
  nullable    = false
}

variable "trusted_principal_arns" {
  description = "IAM roles, users or accounts (`arn:aws:iam::<account id>:root`) that may assume the plan and apply roles beside GitHub: people who bootstrap, or a pipeline elsewhere."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.trusted_principal_arns : can(regex("^arn:aws:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$", arn))])
    error_message = "trusted_principal_arns: ARNs of IAM roles, users or account roots expected, without wildcards."
  }
}

variable "ceremony" {
  description = <<-EOT
    The ceremony role, in the security account alone; `null` elsewhere.
    - `ca_bucket_name`: bucket of the CA certificates (see `pki`).
    - `pki_writer_role_arns`, `pki_reader_role_arns`: the writer and the reader role of each environment (see `registry`).
    - `trusted_principal_arns`: who may hold a ceremony beside GitHub. Deliberately not the list above: whoever deploys need not sign.
    - `github_environment`, `workflow`: the environment and the workflow file at `main` that a ceremony has to run in.
  EOT
  type = object({
    ca_bucket_name         = string
    pki_writer_role_arns   = list(string)
    pki_reader_role_arns   = optional(list(string), [])
    trusted_principal_arns = list(string)
    github_environment     = optional(string, "security")
    workflow               = optional(string, ".github/workflows/ca-operations.yml")
  })
  default = null

  validation {
    condition     = var.ceremony == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.ceremony.ca_bucket_name))
    error_message = "ceremony.ca_bucket_name: 3 to 63 lower-case letters, digits and hyphens expected, a letter or digit at both ends."
  }

  validation {
    condition     = var.ceremony == null || alltrue([for arn in try(var.ceremony.pki_writer_role_arns, []) : can(regex("^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9-]+-pki-writer$", arn))])
    error_message = "ceremony.pki_writer_role_arns: ARNs of roles named <organization>-<environment>-pki-writer expected, without wildcards."
  }

  validation {
    condition     = var.ceremony == null || alltrue([for arn in try(var.ceremony.pki_reader_role_arns, []) : can(regex("^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9-]+-pki-reader$", arn))])
    error_message = "ceremony.pki_reader_role_arns: ARNs of roles named <organization>-<environment>-pki-reader expected, without wildcards."
  }

  validation {
    condition     = var.ceremony == null || alltrue([for arn in try(var.ceremony.trusted_principal_arns, []) : can(regex("^arn:aws:iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9+=,.@_/-]+)$", arn))])
    error_message = "ceremony.trusted_principal_arns: ARNs of IAM roles, users or account roots expected, without wildcards."
  }

  validation {
    condition     = var.ceremony == null || can(regex("^[A-Za-z0-9_-]{1,64}$", var.ceremony.github_environment))
    error_message = "ceremony.github_environment: 1 to 64 letters, digits, hyphens and underscores expected."
  }

  validation {
    condition     = var.ceremony == null || can(regex("^\\.github/workflows/[A-Za-z0-9._-]+\\.ya?ml$", var.ceremony.workflow))
    error_message = "ceremony.workflow: the path of one workflow file expected, such as .github/workflows/ca-operations.yml."
  }
}
