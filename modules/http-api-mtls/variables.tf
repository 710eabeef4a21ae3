variable "name_prefix" {
  description = "Organisation and environment, for example `example-dev`; the API is `<name_prefix>-api`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name_prefix))
    error_message = "name_prefix must be 3 to 31 lower-case letters, digits or hyphens and start with a letter."
  }
}

variable "domain_name" {
  description = "Custom domain with mutual TLS, by which alone the API is reached (module `acm-domain`)."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name must be a lower-case domain name, for example api.dev.example.com."
  }
}

variable "target_domain_name" {
  description = "Regional domain name behind the custom domain: where the alias records point."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9_]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,63}$", var.target_domain_name))
    error_message = "target_domain_name must be a domain name, as API Gateway gives it."
  }
}

variable "target_zone_id" {
  description = "Hosted zone of `target_domain_name`."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]{3,31}$", var.target_zone_id))
    error_message = "target_zone_id must be the id of a Route 53 zone."
  }
}

variable "zone_id" {
  description = "Public Route 53 zone that holds `domain_name`."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]{3,31}$", var.zone_id))
    error_message = "zone_id must be the id of a Route 53 zone, for example Z0123456789ABCDEFGHIJ."
  }
}

variable "mapping_key" {
  description = "First path segments under which the API answers, for example `v1` or `v1/orders`. Null: at the root of the domain."
  type        = string
  default     = null

  validation {
    condition     = var.mapping_key == null || can(regex("^[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*$", var.mapping_key))
    error_message = "mapping_key must be path segments joined by slashes, without a slash at either end."
  }
}

variable "authorizer" {
  description = "The function that decides on each call of a protected route (module `authorizer`)."
  type = object({
    function_name = string
    invoke_arn    = string
  })

  validation {
    condition     = can(regex("^arn:[a-z-]+:apigateway:[a-z0-9-]+:lambda:path/", var.authorizer.invoke_arn))
    error_message = "authorizer.invoke_arn must be the ARN by which API Gateway invokes a function (output invoke_arn), not the function's own ARN."
  }
}

variable "routes" {
  description = "Route key, for example `GET /whoami`, to the function behind it. `authorization` has no default: `authorizer` asks for a token bound to the caller's certificate; `none` is for what must answer before there is a token, and still asks for a client certificate."
  type = map(object({
    function_name = string
    invoke_arn    = string
    authorization = string
  }))

  validation {
    condition     = length(var.routes) > 0
    error_message = "routes must have at least one route."
  }

  validation {
    condition     = alltrue([for key in keys(var.routes) : can(regex("^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|ANY) /\\S*$", key))])
    error_message = "routes: each key must be a method and a path, for example \"GET /whoami\". A $default route would open every path that nobody named."
  }

  validation {
    condition     = alltrue([for route in values(var.routes) : contains(["none", "authorizer"], route.authorization)])
    error_message = "routes: authorization must be \"authorizer\" or \"none\"."
  }

  validation {
    condition     = alltrue([for route in values(var.routes) : can(regex("^arn:[a-z-]+:apigateway:[a-z0-9-]+:lambda:path/", route.invoke_arn))])
    error_message = "routes: invoke_arn must be the ARN by which API Gateway invokes a function (output invoke_arn), not the function's own ARN."
  }

  validation {
    condition     = length(distinct([for route in values(var.routes) : "${route.function_name} ${route.invoke_arn}"])) == length(distinct(values(var.routes)[*].function_name))
    error_message = "routes: one function_name must have one invoke_arn."
  }
}

variable "throttling" {
  description = "Limits of each route: `rate` in requests a second, `burst` in requests at once."
  type = object({
    burst = number
    rate  = number
  })

  validation {
    condition     = var.throttling.burst >= 1 && floor(var.throttling.burst) == var.throttling.burst && var.throttling.rate > 0
    error_message = "throttling: burst must be a whole number of 1 or more and rate more than 0 (0 would refuse every call)."
  }
}

variable "route_throttling" {
  description = "Limits of single routes that differ from `throttling`: route key to `rate` and `burst`."
  type = map(object({
    burst = number
    rate  = number
  }))
  default = {}

  validation {
    condition     = alltrue([for key in keys(var.route_throttling) : contains(keys(var.routes), key)])
    error_message = "route_throttling: each key must be one of routes."
  }

  validation {
    condition     = alltrue([for limit in values(var.route_throttling) : limit.burst >= 1 && floor(limit.burst) == limit.burst && limit.rate > 0])
    error_message = "route_throttling: burst must be a whole number of 1 or more and rate more than 0 (0 would refuse every call)."
  }
}

variable "log_retention_days" {
  description = "Days for which the access log is kept; a value that CloudWatch Logs knows, never unlimited."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "log_kms_key_arn" {
  description = "Customer managed KMS key for the access log; its policy must let CloudWatch Logs use it. Null: the key that CloudWatch Logs owns."
  type        = string
  default     = null

  validation {
    condition     = var.log_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/", var.log_kms_key_arn))
    error_message = "log_kms_key_arn must be the ARN of a KMS key (an alias will not do)."
  }
}

variable "unhealthy_error_rate" {
  description = "Share of answers with a 5xx status, over each of three minutes in a row, from which the API counts as unhealthy."
  type        = number
  default     = 0.05

  validation {
    condition     = var.unhealthy_error_rate > 0 && var.unhealthy_error_rate <= 1
    error_message = "unhealthy_error_rate must be more than 0 and at most 1 (0.05 is five in a hundred)."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that hear when the API becomes unhealthy and when it recovers."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:", arn))])
    error_message = "alarm_topic_arns must be ARNs of SNS topics."
  }
}
