variable "domain_names" {
  description = "Domains, each of which gets a public hosted zone, in lower case and without a trailing dot: `dev.example.com`."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.domain_names) > 0
    error_message = "domain_names: one domain at least expected."
  }

  validation {
    condition     = alltrue([for name in var.domain_names : length(name) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", name))])
    error_message = "domain_names: lower-case domains of at least two labels without a trailing dot expected, such as dev.example.com."
  }
}
