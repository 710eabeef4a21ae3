variable "organization" {
  description = "Prefix of every name: `example` makes the bucket `example-ceremony-log-<account id>` and the alias `alias/example-transcript`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.organization))
    error_message = "organization: 2 to 21 lower-case letters, digits and hyphens expected, a letter first."
  }
}

variable "account_id" {
  description = "Id of the security account (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: 12 digits expected, as a string."
  }
}

variable "region" {
  description = "Region of the CA, which is the trail's home."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: a region such as eu-west-1 expected."
  }
}

variable "ceremony_role_name" {
  description = "Name of the role in this account that alone writes transcripts and signs them. It must exist (see `deploy-roles`)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.ceremony_role_name))
    error_message = "ceremony_role_name: the name of one role expected, neither an ARN nor a path, such as example-ceremony."
  }
}

variable "retention" {
  description = "How long S3 keeps each transcript, whoever asks for its deletion: `COMPLIANCE` binds everybody, AWS's support and the account's root user included; `GOVERNANCE` lets those go by who hold `s3:BypassGovernanceRetention`. A mistake under COMPLIANCE lasts as long as the retention."
  type = object({
    mode = optional(string, "COMPLIANCE")
    days = optional(number, 3653)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["COMPLIANCE", "GOVERNANCE"], var.retention.mode)
    error_message = "retention: mode COMPLIANCE or GOVERNANCE expected."
  }

  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html: 100 years at most.
  validation {
    condition     = var.retention.days >= 1 && var.retention.days <= 36500 && floor(var.retention.days) == var.retention.days
    error_message = "retention: days from 1 to 36500 expected, a whole number."
  }
}

variable "trail_days" {
  description = "Days for which CloudTrail's files are kept. CloudTrail itself looks back 90 days; what is older is proved from these files."
  type        = number
  default     = 3653
  nullable    = false

  validation {
    condition     = var.trail_days >= 365 && floor(var.trail_days) == var.trail_days
    error_message = "trail_days: at least 365 expected, a whole number."
  }
}
