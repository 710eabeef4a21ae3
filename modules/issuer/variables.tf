variable "organization" {
  description = "First part of every name, for example `example`; the CA's bucket is `<organization>-ca-<account_id>`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.organization))
    error_message = "organization must be 2 to 15 lower-case letters, digits or hyphens and start with a letter."
  }
}

variable "environment" {
  description = "The environment whose certificates are renewed, for example `dev`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}$", var.environment))
    error_message = "environment must be 1 to 15 lower-case letters, digits or hyphens and start with a letter."
  }
}

variable "name_prefix" {
  description = "Organisation and environment, for example `example-dev`; the function is `<name_prefix>-issuer`."
  type        = string

  validation {
    condition     = var.name_prefix == "${var.organization}-${var.environment}"
    error_message = "name_prefix must be <organization>-<environment>."
  }
}

variable "domain" {
  description = "The organisation's domain; the environment's API answers at `api.<environment>.<domain>`."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain))
    error_message = "domain must be a lower-case domain name."
  }
}

variable "account_id" {
  description = "The security account: where the CA's keys are, and this function."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "region" {
  description = "Region of the CA's keys and of this function."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region's name, for example eu-west-1."
  }
}

variable "workload" {
  description = "Where the environment lives: its account's name and id, its region."
  type = object({
    account_name = string
    account_id   = string
    region       = string
  })

  validation {
    condition     = can(regex("^[0-9]{12}$", var.workload.account_id)) && var.workload.account_id != var.account_id
    error_message = "workload.account_id must be 12 digits, and another account than the CA's."
  }

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.workload.region))
    error_message = "workload.region must be a region's name, for example eu-west-1."
  }
}

variable "renewal_policy" {
  description = "Who may renew (`clients`, globs over their names), in the last `window_days` of a certificate, for how long (`lifetime_days`), how long the old certificate stays usable beside the new one (`overlap_days`), and with what kind of key. A renewal always brings a new key."
  type = object({
    clients       = list(string)
    window_days   = optional(number, 30)
    lifetime_days = optional(number, 90)
    overlap_days  = optional(number, 7)
    key_types     = optional(list(string), ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"])
  })

  validation {
    condition     = length(var.renewal_policy.clients) > 0 && alltrue([for glob in var.renewal_policy.clients : can(regex("^[a-z0-9*?!\\[\\]-]{1,63}$", glob))])
    error_message = "renewal_policy.clients must be one or more globs over client names, for example device-*."
  }

  validation {
    condition     = var.renewal_policy.lifetime_days >= 2 && var.renewal_policy.lifetime_days <= 365 && floor(var.renewal_policy.lifetime_days) == var.renewal_policy.lifetime_days
    error_message = "renewal_policy.lifetime_days must be a whole number from 2 to 365."
  }

  validation {
    condition     = var.renewal_policy.window_days >= 1 && var.renewal_policy.window_days < var.renewal_policy.lifetime_days && floor(var.renewal_policy.window_days) == var.renewal_policy.window_days
    error_message = "renewal_policy.window_days must be a whole number of 1 or more, and fewer than lifetime_days: a new certificate could be renewed at once."
  }

  validation {
    condition     = var.renewal_policy.overlap_days >= 0 && var.renewal_policy.overlap_days <= 365 && floor(var.renewal_policy.overlap_days) == var.renewal_policy.overlap_days
    error_message = "renewal_policy.overlap_days must be a whole number from 0 to 365."
  }

  validation {
    condition     = length(var.renewal_policy.key_types) > 0 && alltrue([for type in var.renewal_policy.key_types : contains(["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "rsa-4096"], type)])
    error_message = "renewal_policy.key_types must be one or more of ec-p256, ec-p384, rsa-2048, rsa-3072, rsa-4096."
  }
}

variable "package" {
  description = "The function's code: see module `function`."
  type = object({
    image_uri    = optional(string)
    zip_path     = optional(string)
    architecture = optional(string, "arm64")
  })
}

variable "memory_mb" {
  description = "Memory in MB."
  type        = number
  default     = 512
}

variable "log_level" {
  description = "Least severe level that is logged."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "Days for which the function's log is kept."
  type        = number
  default     = 365
}

variable "log_kms_key_arn" {
  description = "Customer managed KMS key for the log group. Null: the key that CloudWatch Logs owns."
  type        = string
  default     = null
}

variable "reserved_concurrency" {
  description = "Concurrent executions that are kept for the function and that it cannot exceed: a bound on signatures. Null: it shares the account's."
  type        = number
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds both roles. Null: none, since an administrator applies this module."
  type        = string
  default     = null
}
