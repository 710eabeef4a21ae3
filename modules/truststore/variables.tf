variable "bucket_name" {
  description = "Name of the bucket, unique across AWS: `<organization>-<environment>-truststore-<account id>`."
  type        = string
  nullable    = false

  validation {
    # No dots: they break the certificate of virtual-hosted addresses.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: 3 to 63 lower-case letters, digits and hyphens expected, a letter or digit at both ends."
  }
}
