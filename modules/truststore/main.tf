locals {
  # From the name, so that the policy is known at plan time and can be judged there.
  bucket_arn = "arn:aws:s3:::${var.bucket_name}"
  object_key = "truststore.pem"
}

# The bundle itself is no resource here: it is linted and uploaded by `upload-truststore`, and rolled out
# by the version that the custom domain pins.

################################################################################
# Bucket
################################################################################

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18: who wrote the bundle is answered by CloudTrail data events; server access logs are best effort and need one more bucket
  #checkov:skip=CKV_AWS_144: API Gateway reads the bundle when the domain is updated and keeps it; the bundle can be built again from the CA certificates
  #checkov:skip=CKV_AWS_145: SSE-S3 on purpose, see the encryption below
  #checkov:skip=CKV2_AWS_61: versions must never expire, pins refer to them, and a bundle is a few kilobytes written in one part
  #checkov:skip=CKV2_AWS_62: a new version takes effect by a pin in a pull request, never by an event
  bucket        = var.bucket_name
  force_destroy = false

  lifecycle {
    prevent_destroy = true
  }
}

# API Gateway pins a version of the object: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-mutual-tls.html
resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

# SSE-S3 rather than KMS: CA certificates are public, and whoever updates the domain would need kms:Decrypt
# to let API Gateway read them.
resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

################################################################################
# Access
################################################################################

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "DenyInsecureTransport"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # A pin names a version: it must still be there when a roll-back asks for it.
        Sid       = "DenyLosingVersions"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = "${local.bucket_arn}/*"
      },
    ]
  })

  # S3 answers 409 to two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.this]
}
