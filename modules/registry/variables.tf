variable "name_prefix" {
  description = "Prefix of every name, `<organization>-<environment>`: `example-dev` makes the table `example-dev-registry` and the roles `example-dev-pki-writer` and `example-dev-pki-reader`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.name_prefix))
    error_message = "name_prefix: 3 to 31 lower-case letters, digits and hyphens expected, a letter first."
  }
}

variable "account_id" {
  description = "Id of the AWS account that holds the table (12 digits)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id: 12 digits expected, as a string."
  }
}

variable "region" {
  description = "AWS region that holds the table, such as `eu-west-1`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: an AWS region expected, such as eu-west-1."
  }
}

variable "truststore_bucket_arn" {
  description = "ARN of the environment's truststore bucket, which the writer role may put bundles into."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws:s3:::[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.truststore_bucket_arn))
    error_message = "truststore_bucket_arn: the ARN of one bucket expected, such as arn:aws:s3:::example-dev-truststore-222222222222."
  }
}

variable "writer_callers" {
  description = "ARNs of the roles that may assume the writer role: the security account's ceremony role, and its issuing function's. A role need not exist yet."
  type        = list(string)
  nullable    = false

  validation {
    # ArnEquals would take `*` and `?` as wildcards.
    condition     = length(var.writer_callers) > 0 && alltrue([for arn in var.writer_callers : can(regex("^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "writer_callers: ARNs of roles expected, without wildcards, such as arn:aws:iam::111111111111:role/example-ceremony."
  }
}

variable "reader_callers" {
  description = "ARNs of the roles that may assume the reader role: the security account's ceremony role, and that of the function that signs revocation lists. A role need not exist yet."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.reader_callers) > 0 && alltrue([for arn in var.reader_callers : can(regex("^arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "reader_callers: ARNs of roles expected, without wildcards, such as arn:aws:iam::111111111111:role/example-dev-crl."
  }
}

variable "parameter_path" {
  description = "SSM parameter path of the environment, below which the writer role may read: `/<organization>/<environment>`."
  type        = string
  nullable    = false

  validation {
    # Two segments at least: a shorter path would open other environments.
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){2,}$", var.parameter_path))
    error_message = "parameter_path: a path of two segments or more without a trailing slash expected, such as /example/dev."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary of both roles. On AWS the apply role can only make roles that carry `<organization>-boundary` (see `deploy-roles`)."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws:iam::[0-9]{12}:policy/[A-Za-z0-9+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: the ARN of a managed policy expected, such as arn:aws:iam::222222222222:policy/example-boundary."
  }
}
