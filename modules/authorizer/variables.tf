variable "name_prefix" {
  description = "Organisation and environment, for example `example-dev`; the function is `<name_prefix>-authorizer`."
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

variable "package" {
  description = "The function's code: see module `function`."
  type = object({
    image_uri    = optional(string)
    zip_path     = optional(string)
    architecture = optional(string, "arm64")
  })
}

variable "issuer" {
  description = "The `iss` claim that a token must carry: `https://cognito-idp.<region>.amazonaws.com/<user pool id>`."
  type        = string

  validation {
    condition     = can(regex("^https://[^\\s/?#]+(/[^\\s?#]*)?$", var.issuer)) && !endswith(var.issuer, "/")
    error_message = "issuer must be an https URL without query, fragment or a slash at its end."
  }
}

variable "jwks_uri" {
  description = "URL of the issuer's key set."
  type        = string

  validation {
    condition     = can(regex("^https://[^\\s/?#]+/[^\\s?#]+$", var.jwks_uri))
    error_message = "jwks_uri must be an https URL with a path."
  }
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

variable "route_scopes" {
  description = "The scope that each protected route asks of the token: route key to OAuth scope, for example `{\"GET /whoami\" = \"api/read\"}`. A route that is not here is refused."
  type        = map(string)

  validation {
    condition     = length(var.route_scopes) > 0
    error_message = "route_scopes must name at least one route."
  }

  validation {
    condition     = alltrue([for route in keys(var.route_scopes) : can(regex("^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|ANY) /\\S*$", route))])
    error_message = "route_scopes: each key must be a route key such as \"GET /whoami\"."
  }

  validation {
    condition     = alltrue([for scope in values(var.route_scopes) : can(regex("^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$", scope))])
    error_message = "route_scopes: each value must be one scope-token (RFC 6749, appendix A.4)."
  }
}

variable "client_ids" {
  description = "Cognito app clients whose tokens are accepted."
  type        = list(string)

  validation {
    condition     = length(var.client_ids) > 0 && alltrue([for id in var.client_ids : can(regex("^[A-Za-z0-9_+]{1,128}$", id))])
    error_message = "client_ids must name at least one Cognito app client id."
  }
}

variable "decision_cache_seconds" {
  description = "Seconds for which the function remembers an allow, keyed by certificate and token. It bounds how long a revoked certificate still gets in."
  type        = number
  default     = 1

  validation {
    condition     = var.decision_cache_seconds >= 0 && var.decision_cache_seconds <= 2 && floor(var.decision_cache_seconds) == var.decision_cache_seconds
    error_message = "decision_cache_seconds must be 0, 1 or 2: a revocation takes effect within 2 s."
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

variable "reserved_concurrency" {
  description = "Concurrent executions that are kept for the function. Null: it shares the account's."
  type        = number
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the execution role. Null: none."
  type        = string
  default     = null
}
