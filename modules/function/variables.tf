variable "name" {
  description = "Name of the function, its role and its log group, for example `example-dev-whoami`."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9-_]{1,64}$", var.name))
    error_message = "name must be 1 to 64 letters, digits, hyphens or underscores (a Lambda function name)."
  }
}

variable "description" {
  description = "What the function does, in one sentence."
  type        = string

  validation {
    condition     = length(var.description) > 0 && length(var.description) <= 256
    error_message = "description must have 1 to 256 characters."
  }
}

variable "package" {
  description = "The function's code: exactly one of `image_uri` (pinned by digest: `<repository>@sha256:<64 hex>`) and `zip_path` (path of a zip for Python 3.13). `architecture` is that of the code."
  type = object({
    image_uri    = optional(string)
    zip_path     = optional(string)
    architecture = optional(string, "arm64")
  })

  validation {
    condition     = (var.package.image_uri == null) != (var.package.zip_path == null)
    error_message = "package must have exactly one of image_uri and zip_path."
  }

  validation {
    condition     = var.package.image_uri == null || can(regex("^[^\\s@]+@sha256:[0-9a-f]{64}$", var.package.image_uri))
    error_message = "package.image_uri must be pinned by digest: <repository>@sha256:<64 hex digits>. A tag can be moved after it was verified."
  }

  validation {
    condition     = var.package.zip_path == null ? true : fileexists(var.package.zip_path)
    error_message = "package.zip_path names no file. Build the functions first."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.package.architecture)
    error_message = "package.architecture must be arm64 or x86_64."
  }
}

variable "handler" {
  description = "Handler as `<module>.<function>`, for example `mtls_whoami.handler.handler`."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)+$", var.handler))
    error_message = "handler must be a dotted Python name, for example mtls_whoami.handler.handler."
  }
}

variable "environment" {
  description = "Environment variables. Never a secret: everybody who may read the function's configuration reads them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[a-zA-Z][a-zA-Z0-9_]+$", name))])
    error_message = "environment names must start with a letter and have two or more letters, digits or underscores."
  }

  validation {
    condition     = alltrue([for name in keys(var.environment) : !can(regex("^(AWS_|LAMBDA_)", name))])
    error_message = "environment must not set names that start with AWS_ or LAMBDA_: Lambda reserves them."
  }
}

variable "memory_mb" {
  description = "Memory in MB; CPU grows with it (1769 MB is one vCPU)."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number from 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Seconds after which Lambda ends an invocation. Behind API Gateway at most 29: it waits 30 for an integration (10 for an authorizer)."
  type        = number
  default     = 10

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 900."
  }
}

variable "policy_statements" {
  description = "What the function may do beside writing its own log: allow statements, each with named actions on named resources."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
  }))
  default = []

  validation {
    condition     = alltrue([for statement in var.policy_statements : can(regex("^[A-Za-z0-9]+$", statement.sid))])
    error_message = "policy_statements: each sid must be letters and digits."
  }

  validation {
    condition     = length(distinct(var.policy_statements[*].sid)) == length(var.policy_statements)
    error_message = "policy_statements: each sid must be given once."
  }

  validation {
    condition = alltrue([
      for statement in var.policy_statements :
      length(statement.actions) > 0 && alltrue([
        for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))
      ])
    ])
    error_message = "policy_statements: each action must be named in full (service:Action), without a wildcard."
  }

  validation {
    condition = alltrue([
      for statement in var.policy_statements :
      length(statement.resources) > 0 && alltrue([
        for resource in statement.resources : can(regex("^arn:[a-z-]+:[a-z0-9-]+:[^:*]*:[^:*]*:[^*]+", resource))
      ])
    ])
    error_message = "policy_statements: each resource must be an ARN that names service, region, account and at least the start of a resource."
  }
}

variable "log_retention_days" {
  description = "Days for which the function's log is kept; a value that CloudWatch Logs knows, never unlimited."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "log_kms_key_arn" {
  description = "Customer managed KMS key for the log group; its policy must let CloudWatch Logs use it. Null: the key that CloudWatch Logs owns."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key (an alias will not do)."
  }
}

variable "reserved_concurrency" {
  description = "Concurrent executions that are kept for the function and that it cannot exceed. Null: it shares the account's."
  type        = number
  default     = null

  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency, false)
    error_message = "reserved_concurrency must be a whole number of 1 or more (0 would switch the function off)."
  }
}

variable "tracing" {
  description = "Whether AWS X-Ray traces the function. Off: the tracer is most of a Python function's cold start."
  type        = bool
  default     = false
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the execution role, for accounts where a pipeline may only make bounded roles. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
