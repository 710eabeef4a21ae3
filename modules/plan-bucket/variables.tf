variable "bucket_name" {
  description = "Name of the bucket, unique across AWS: `<organization>-plans-<account id>`."
  type        = string
  nullable    = false

  validation {
    # No dots: they break the certificate of virtual-hosted addresses.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: 3 to 63 lower-case letters, digits and hyphens expected, a letter or digit at both ends."
  }
}

variable "organization" {
  description = "Prefix of the roles' names (see `deploy-roles`): `example-plan` writes plans, `example-apply` reads them. They need not exist yet."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.organization))
    error_message = "organization: 2 to 15 lower-case letters, digits and hyphens expected, a letter first."
  }
}

variable "account_id" {
  description = "Id of the bucket's and the roles' account (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: 12 digits expected, as a string."
  }
}

variable "region" {
  description = "AWS region of the bucket and its key, such as `eu-west-1`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: an AWS region expected, such as eu-west-1."
  }
}

variable "plan_days" {
  description = "Days after which a plan expires, applied or not. A plan holds secrets."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.plan_days >= 1 && var.plan_days <= 90 && floor(var.plan_days) == var.plan_days
    error_message = "plan_days: a whole number from 1 to 90 expected: a plan holds secrets, and is stale long before."
  }
}

variable "journal_days" {
  description = "Days that the record of what was applied is kept. It holds no secret."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = var.journal_days >= 90 && floor(var.journal_days) == var.journal_days
    error_message = "journal_days: a whole number of 90 or more expected, or an interrupted apply may be forgotten before its plan."
  }
}
