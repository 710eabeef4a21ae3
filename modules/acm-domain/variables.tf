variable "domain_name" {
  description = "Domain name of the API, for example `api.dev.example.com`."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain_name))
    error_message = "domain_name must be a lower-case domain name without a wildcard, for example api.dev.example.com."
  }

  validation {
    condition     = length(var.domain_name) <= 64
    error_message = "domain_name must have 64 characters at most: ACM puts it in the certificate's common name."
  }
}

variable "zone_id" {
  description = "Id of the public Route 53 zone that holds the domain name and every subject alternative name: ACM's validation records go there."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]{3,31}$", var.zone_id))
    error_message = "zone_id must be the id of a Route 53 zone, for example Z0123456789ABCDEFGHIJ."
  }
}

variable "subject_alternative_names" {
  description = "Further names for the certificate, in the same zone."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.subject_alternative_names : can(regex("^(\\*\\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", name))])
    error_message = "subject_alternative_names must be lower-case domain names; the first label may be *."
  }

  validation {
    condition     = length(distinct(concat([var.domain_name], var.subject_alternative_names))) == 1 + length(var.subject_alternative_names)
    error_message = "subject_alternative_names must name each name once, and not domain_name again."
  }
}

variable "truststore_uri" {
  description = "S3 URI of the truststore: PEM certificates of the CAs that may issue client certificates."
  type        = string

  validation {
    condition     = can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\\S+$", var.truststore_uri))
    error_message = "truststore_uri must be s3://<bucket>/<key>."
  }
}

variable "truststore_version" {
  description = "Version id of the truststore object. Required: without it API Gateway would take whatever lies in the bucket at the next update."
  type        = string

  # "null" is what S3 calls the version of an object in a bucket without versioning: it can be overwritten.
  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.truststore_version)) && var.truststore_version != "null"
    error_message = "truststore_version must be the version id of an object in a versioned bucket. Upload the truststore first; its upload prints the version."
  }
}

variable "server_certificate_arn" {
  description = "ACM certificate that the domain presents instead of this module's own: imported, or issued by AWS Private CA. The module's public certificate then proves ownership of the name (`ownershipVerificationCertificate`). Null: the module's own."
  type        = string
  default     = null

  validation {
    condition     = var.server_certificate_arn == null || can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]+$", var.server_certificate_arn))
    error_message = "server_certificate_arn must be the ARN of an ACM certificate in the API's region."
  }
}
