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

variable "region" {
  description = "AWS region of the account's CA, such as `eu-west-1`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region: an AWS region expected, such as eu-west-1."
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
  description = "Generations of the root CA that have a key in KMS. Add one to rotate; a generation leaves the list only after its key was retired by hand. Empty where another keeper has the root's keys."
  type        = list(string)
  default     = ["g1"]
  nullable    = false

  validation {
    condition     = alltrue([for generation in var.root_generations : can(regex("^g[1-9][0-9]{0,2}$", generation))])
    error_message = "root_generations: each generation such as g1."
  }

  validation {
    condition     = length(distinct(var.root_generations)) == length(var.root_generations)
    error_message = "root_generations: each generation once."
  }
}

variable "issuing_cas" {
  description = "Generations of the issuing CA per environment that have a key in KMS: `{ dev = [\"g1\"] }`."
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

variable "root_key_spec" {
  description = "KMS key spec of the root's keys to come; a key that exists keeps its own."
  type        = string
  default     = "RSA_4096"
  nullable    = false

  validation {
    condition     = contains(["RSA_4096", "RSA_2048", "ECC_NIST_P384", "ECC_NIST_P256"], var.root_key_spec)
    error_message = "root_key_spec: RSA_4096, RSA_2048, ECC_NIST_P384 or ECC_NIST_P256 expected."
  }
}

variable "issuing_key_spec" {
  description = "KMS key spec of issuing CAs' keys to come; a key that exists keeps its own."
  type        = string
  default     = "RSA_4096"
  nullable    = false

  validation {
    condition     = contains(["RSA_4096", "RSA_2048", "ECC_NIST_P384", "ECC_NIST_P256"], var.issuing_key_spec)
    error_message = "issuing_key_spec: RSA_4096, RSA_2048, ECC_NIST_P384 or ECC_NIST_P256 expected."
  }
}

variable "stores_keys" {
  description = "Whether CA keys are kept as encrypted PEM in the Parameter Store or Secrets Manager: makes the KMS key over them, `alias/<organization>-ca-storage`, which the ceremony role alone may use."
  type        = bool
  default     = false
  nullable    = false
}

variable "alarm_emails" {
  description = "Who is told when a root's key is used, enabled or changed. Each address gets a mail and is subscribed once it agrees."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.alarm_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", email))])
    error_message = "alarm_emails: e-mail addresses expected."
  }
}
