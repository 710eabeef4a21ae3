variable "name_prefix" {
  description = "Organisation and environment, for example `example-dev`; everything here is called `<name_prefix>-watch`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name_prefix))
    error_message = "name_prefix must be 3 to 31 lower-case letters, digits or hyphens and start with a letter."
  }
}

variable "environment" {
  description = "Name of the environment in logs and metrics, for example `dev`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.environment))
    error_message = "environment must be 1 to 31 lower-case letters, digits or hyphens and start with a letter."
  }
}

variable "account_id" {
  description = "Account that all this lies in."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "region" {
  description = "Region that all this lies in."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region such as eu-west-1."
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

variable "registry_table_name" {
  description = "Name of the environment's registry table."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.registry_table_name))
    error_message = "registry_table_name must be a DynamoDB table name."
  }
}

variable "registry_table_arn" {
  description = "ARN of the environment's registry table."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/", var.registry_table_arn)) && endswith(var.registry_table_arn, ":table/${var.registry_table_name}")
    error_message = "registry_table_arn must be the ARN of the table registry_table_name: the function may read no other."
  }
}

variable "api_domain_name" {
  description = "The API's custom domain, which names the pinned truststore and the server certificate."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.api_domain_name))
    error_message = "api_domain_name must be a lower-case domain name."
  }
}

variable "truststore_bucket_arn" {
  description = "ARN of the truststore's bucket."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:s3:::[a-z0-9.-]{3,63}$", var.truststore_bucket_arn))
    error_message = "truststore_bucket_arn must be the ARN of an S3 bucket."
  }
}

variable "truststore_object_key" {
  description = "Key of the bundle in that bucket."
  type        = string
  default     = "truststore.pem"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.truststore_object_key))
    error_message = "truststore_object_key must be an object's key, without a wildcard."
  }
}

variable "schedule_expression" {
  description = "When the watch runs, in the words of EventBridge Scheduler and in UTC. At least twice in `alarm_period_seconds`, so that one run that fails is no alarm yet."
  type        = string
  default     = "cron(0 4,16 * * ? *)"

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.schedule_expression))
    error_message = "schedule_expression must be rate(...) or cron(...)."
  }
}

variable "alarm_period_seconds" {
  description = "How far back an alarm looks: a day, or less where the watch runs more often."
  type        = number
  default     = 86400

  validation {
    condition     = var.alarm_period_seconds >= 3600 && var.alarm_period_seconds <= 86400 && var.alarm_period_seconds % 60 == 0
    error_message = "alarm_period_seconds must be a multiple of 60 from 3600 to 86400."
  }
}

variable "alarm_days" {
  description = "By kind, how many days before an end there is an alarm: of 60, 30, 14, 7 and 1. All kinds must be there; an empty list means no alarm."
  type        = map(set(number))
  default = {
    leaf       = [60, 30, 14, 7, 1]
    issuing-ca = [60, 30, 14, 7, 1]
    root-ca    = [60, 30, 14, 7, 1]
    truststore = [60, 30, 14, 7, 1]
    server     = [60, 30, 14, 7, 1]
  }

  validation {
    condition     = toset(keys(var.alarm_days)) == toset(["leaf", "issuing-ca", "root-ca", "truststore", "server"])
    error_message = "alarm_days must have the keys leaf, issuing-ca, root-ca, truststore and server."
  }

  validation {
    condition     = alltrue([for days in values(var.alarm_days) : length(setsubtract(days, [60, 30, 14, 7, 1])) == 0])
    error_message = "alarm_days: the function counts at 60, 30, 14, 7 and 1 days; an alarm at another would see no data."
  }
}

variable "alarm_emails" {
  description = "Addresses that the alarms are mailed to, once they agree."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alarm_emails: each must be an e-mail address."
  }
}

variable "metrics_namespace" {
  description = "CloudWatch namespace of the metrics."
  type        = string
  default     = "mtls-api"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/#-]{1,255}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "metrics_namespace must be a CloudWatch namespace of one's own."
  }
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

variable "permissions_boundary_arn" {
  description = "Policy that bounds the roles. Null: none."
  type        = string
  default     = null
}
