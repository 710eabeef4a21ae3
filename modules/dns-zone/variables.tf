variable "domain_name" {
  description = "Domain of the public hosted zone, in lower case and without a trailing dot: `dev.example.com`."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.domain_name) <= 253 && can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name: a lower-case domain of at least two labels without a trailing dot expected, such as dev.example.com."
  }
}
