variable "bucket_name" {
  description = "Name of the bucket, unique across AWS: `<organization>-tfstate-<account id>`."
  type        = string
  nullable    = false

  validation {
    # No dots: they break the certificate of virtual-hosted addresses.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "bucket_name: 3 to 63 lower-case letters, digits and hyphens expected, a letter or digit at both ends."
  }
}

variable "noncurrent_version_days" {
  description = "Days after which a superseded state version may expire. The ten newest stay whatever their age."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.noncurrent_version_days >= 30 && floor(var.noncurrent_version_days) == var.noncurrent_version_days
    error_message = "noncurrent_version_days: a whole number of 30 or more expected, or a bad state may be noticed after the good one is gone."
  }
}
