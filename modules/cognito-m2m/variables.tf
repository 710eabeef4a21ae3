variable "name_prefix" {
  description = "Organisation and environment, for example `example-dev`; every name starts with it."
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

variable "parameter_prefix" {
  description = "Where the environment's facts lie in SSM, for example `/example/dev`; client ids go to `<parameter_prefix>/app-clients/<name>`."
  type        = string

  validation {
    condition     = can(regex("^(/[a-zA-Z0-9_.-]+)+$", var.parameter_prefix)) && !can(regex("^/(aws|ssm)", lower(var.parameter_prefix)))
    error_message = "parameter_prefix must be an SSM path such as /example/dev, without a slash at its end and not below /aws or /ssm."
  }
}

variable "account_id" {
  description = "AWS account of the environment."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "region" {
  description = "AWS region of the user pool, for example `eu-west-1`."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, for example eu-west-1."
  }
}

variable "resource_server" {
  description = "The API as Cognito knows it: identifier, and scopes as a map from name to description. A scope is asked for as `<identifier>/<name>`."
  type = object({
    identifier = string
    scopes     = map(string)
  })

  validation {
    condition     = can(regex("^[\\x21\\x23-\\x2e\\x30-\\x5b\\x5d-\\x7e]{1,256}$", var.resource_server.identifier))
    error_message = "resource_server.identifier must be 1 to 256 characters without space, quote, slash or backslash."
  }

  validation {
    condition     = length(var.resource_server.scopes) >= 1 && length(var.resource_server.scopes) <= 100
    error_message = "resource_server.scopes must have 1 to 100 scopes."
  }

  validation {
    condition = alltrue([
      for name, description in var.resource_server.scopes :
      can(regex("^[\\x21\\x23-\\x2e\\x30-\\x5b\\x5d-\\x7e]{1,256}$", name)) && length(description) > 0 && length(description) <= 256
    ])
    error_message = "resource_server.scopes: names must have no space, quote, slash or backslash; each needs a description of 1 to 256 characters."
  }
}

variable "app_clients" {
  description = "App clients: name to the OAuth scopes it may ask for, as `<resource_server.identifier>/<scope>`. One per tenant or set of scopes, never one per device: Cognito allows 1,000 a pool and charges for each."
  type = map(object({
    scopes = list(string)
  }))

  validation {
    condition     = length(var.app_clients) >= 1 && length(var.app_clients) <= 50
    error_message = "app_clients must have 1 to 50 entries (they share one CloudFormation template, whose size is limited)."
  }

  validation {
    condition     = alltrue([for name in keys(var.app_clients) : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name)) && length(name) <= 64])
    error_message = "app_clients: names must be lower-case words of letters and digits joined by single hyphens, 64 characters at most."
  }

  validation {
    condition     = length(distinct([for name in keys(var.app_clients) : replace(name, "-", "")])) == length(var.app_clients)
    error_message = "app_clients: two names must differ by more than hyphens (CloudFormation's logical ids have none)."
  }

  validation {
    condition = alltrue([
      for client in values(var.app_clients) :
      length(client.scopes) > 0 && length(distinct(client.scopes)) == length(client.scopes)
      && alltrue([for scope in client.scopes : contains([for name in keys(var.resource_server.scopes) : "${var.resource_server.identifier}/${name}"], scope)])
    ])
    error_message = "app_clients: each needs at least one scope, each once and in full, for example api/read, and every scope must be one of resource_server.scopes."
  }
}

variable "domain_prefix" {
  description = "First label of the user pool's domain, `<domain_prefix>.auth.<region>.amazoncognito.com`: unique in the region over all AWS accounts."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.domain_prefix))
    error_message = "domain_prefix must be 1 to 63 lower-case letters, digits or hyphens, with no hyphen at either end."
  }

  validation {
    condition     = !can(regex("aws|amazon|cognito", var.domain_prefix))
    error_message = "domain_prefix must not contain aws, amazon or cognito: Cognito refuses these words."
  }
}

variable "packages" {
  description = "Code of the two functions, `token` (answers /token) and `token_binding` (Cognito's pre-token trigger): see module `function`."
  type = object({
    token = object({
      image_uri    = optional(string)
      zip_path     = optional(string)
      architecture = optional(string, "arm64")
    })
    token_binding = object({
      image_uri    = optional(string)
      zip_path     = optional(string)
      architecture = optional(string, "arm64")
    })
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
  description = "Domain name of the API: the issuer and token endpoint that its OAuth metadata (RFC 8414) names."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.api_domain_name))
    error_message = "api_domain_name must be a lower-case domain name, for example api.dev.example.com."
  }
}

variable "access_token_validity_minutes" {
  description = "Minutes for which an access token is valid."
  type        = number
  default     = 15

  validation {
    condition     = var.access_token_validity_minutes >= 5 && var.access_token_validity_minutes <= 60 && floor(var.access_token_validity_minutes) == var.access_token_validity_minutes
    error_message = "access_token_validity_minutes must be a whole number from 5 (Cognito's least) to 60."
  }
}

variable "deletion_protection" {
  description = "Whether Cognito refuses to delete the user pool. Take it off, apply, and only then destroy."
  type        = bool
  default     = true
}

variable "memory_mb" {
  description = "Memory of each of the two functions, in MB."
  type        = number
  default     = 512
}

variable "log_level" {
  description = "Least severe level that the functions log."
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
  description = "Customer managed KMS key for the log groups. Null: the key that CloudWatch Logs owns."
  type        = string
  default     = null
}

variable "reserved_concurrency" {
  description = "Concurrent executions that are kept for each of the two functions. Null: they share the account's."
  type        = number
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the execution roles. Null: none."
  type        = string
  default     = null
}
