variable "organization" {
  description = "Prefix of every name, such as `example`: `example-crl-<account id>` is the bucket."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.organization))
    error_message = "organization: 2 to 15 lower-case letters, digits and hyphens expected, a letter first."
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
  description = "AWS region of the CA's keys, such as `eu-west-1`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: an AWS region expected, such as eu-west-1."
  }
}

variable "ceremony_role_name" {
  description = "Name of the ceremony role, which may publish as well, by `publish-crl`; it must exist."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.ceremony_role_name))
    error_message = "ceremony_role_name: a role's name expected, such as example-ceremony."
  }
}

variable "environments" {
  description = "Environments whose issuing CAs get lists: name -> account and region of the environment's registry."
  type = map(object({
    account_id = string
    region     = string
  }))
  nullable = false

  validation {
    condition     = length(var.environments) > 0 && alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9-]{0,14}$", name))])
    error_message = "environments: one at least expected, each named with 1 to 15 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for environment in values(var.environments) : can(regex("^[0-9]{12}$", environment.account_id)) && can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", environment.region))])
    error_message = "environments: an account id of 12 digits and a region expected of each."
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

variable "reader_arns" {
  description = "ARNs of accounts (`arn:aws:iam::<id>:root`) or roles that may read the lists, beside the publishers. They must exist."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.reader_arns : can(regex("^arn:aws:iam::[0-9]{12}:(root|role/[A-Za-z0-9+=,.@_/-]+)$", arn))])
    error_message = "reader_arns: ARNs of accounts (...:root) or roles expected, without wildcards."
  }
}

variable "reader_organization_ids" {
  description = "AWS Organizations (`o-...`) whose principals may all read the lists."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.reader_organization_ids : can(regex("^o-[a-z0-9]{10,32}$", id))])
    error_message = "reader_organization_ids: ids of AWS Organizations expected, such as o-a1b2c3d4e5."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when lists are not published, and when they are again."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "alarm_topic_arns: ARNs of SNS topics expected."
  }
}

variable "memory_mb" {
  description = "Memory in MB."
  type        = number
  default     = 512
}

variable "timeout_seconds" {
  description = "Seconds after which a run ends. It reads the whole registry: 100,000 certificates take about a minute."
  type        = number
  default     = 300
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
  description = "Days for which the functions' logs are kept."
  type        = number
  default     = 365
}

variable "log_kms_key_arn" {
  description = "Customer managed KMS key for the log groups; its policy must let CloudWatch Logs use it. Null: the key that CloudWatch Logs owns."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the roles. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws:iam::[0-9]{12}:policy/[A-Za-z0-9+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: the ARN of a managed policy expected, such as arn:aws:iam::111111111111:policy/example-boundary."
  }
}
