variable "organization" {
  description = "Prefix of every name: `example` makes the bucket `example-ca-<account id>` and the alias `alias/example-root-ca-g1`."
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

variable "ceremony_role_name" {
  description = "Name of the role in this account that alone may sign and write CA certificates. It must exist (see `deploy-roles`)."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.ceremony_role_name))
    error_message = "ceremony_role_name: the name of one role expected, neither an ARN nor a path, such as example-ceremony."
  }
}

variable "root_generations" {
  description = "Generations of the root CA that have a key. Add one to rotate; a generation leaves the list only after its key was retired by hand."
  type        = list(string)
  default     = ["g1"]
  nullable    = false

  validation {
    condition     = length(var.root_generations) > 0 && alltrue([for generation in var.root_generations : can(regex("^g[1-9][0-9]{0,2}$", generation))])
    error_message = "root_generations: at least one generation expected, each such as g1."
  }

  validation {
    condition     = length(distinct(var.root_generations)) == length(var.root_generations)
    error_message = "root_generations: each generation once."
  }
}

variable "issuing_cas" {
  description = "Generations of the issuing CA per environment: `{ dev = [\"g1\"] }`."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for environment in keys(var.issuing_cas) : can(regex("^[a-z][a-z0-9-]{1,15}$", environment))])
    error_message = "issuing_cas: each environment 2 to 16 lower-case letters, digits and hyphens, a letter first."
  }

  validation {
    condition     = alltrue(flatten([for generations in values(var.issuing_cas) : [for generation in generations : can(regex("^g[1-9][0-9]{0,2}$", generation))]]))
    error_message = "issuing_cas: each generation such as g1."
  }

  validation {
    condition     = alltrue([for generations in values(var.issuing_cas) : length(distinct(generations)) == length(generations) && length(generations) > 0])
    error_message = "issuing_cas: each environment needs at least one generation, and each generation once."
  }
}

variable "key_spec" {
  description = "KMS key spec of every CA key: `RSA_4096`, or `ECC_NIST_P384` for the EC profile."
  type        = string
  default     = "RSA_4096"
  nullable    = false

  validation {
    condition     = contains(["RSA_4096", "ECC_NIST_P384"], var.key_spec)
    error_message = "key_spec: RSA_4096 or ECC_NIST_P384 expected."
  }
}
