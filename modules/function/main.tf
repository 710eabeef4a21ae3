locals {
  from_image = var.package.image_uri != null

  # X-Ray's write actions know no resource: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
  tracing_statements = var.tracing ? [{
    Sid      = "Trace"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = ["*"]
  }] : []
}

################################################################################
# Log
################################################################################

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158: CloudWatch Logs encrypts every group; log_kms_key_arn gives a key of one's own where an organisation wants it

  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
}

################################################################################
# Role: its own log, and the statements that were given
################################################################################

resource "aws_iam_role" "this" {
  name        = var.name
  description = "Execution role of the Lambda function ${var.name}"

  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

# Apart from the statements given: on a first plan the log group's ARN is unknown, and would make the whole policy unknown to a reviewer.
resource "aws_iam_role_policy" "log" {
  name = "log"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteOwnLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.this.arn}:*"]
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  count = length(var.policy_statements) > 0 || var.tracing ? 1 : 0

  name = "function"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        for statement in var.policy_statements : {
          Sid      = statement.sid
          Effect   = "Allow"
          Action   = statement.actions
          Resource = statement.resources
        }
      ],
      local.tracing_statements,
    )
  })
}

################################################################################
# Function
################################################################################

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_50: tracing is an input; off by default, since the tracer dominates a Python function's cold start
  #checkov:skip=CKV_AWS_115: reserved concurrency is an input; the API's throttling bounds the callers
  #checkov:skip=CKV_AWS_116: API Gateway and Cognito invoke synchronously, and a dead-letter queue serves asynchronous invocations only
  #checkov:skip=CKV_AWS_117: the functions call public AWS endpoints only; a VPC would add NAT and endpoints and no isolation
  #checkov:skip=CKV_AWS_173: environment variables hold names and no secret; Lambda encrypts them at rest with its own key
  #checkov:skip=CKV_AWS_272: Lambda's code signing covers zips only; on AWS functions ship as images, pinned by digest

  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  architectures = [var.package.architecture]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds
  publish       = false

  package_type     = local.from_image ? "Image" : "Zip"
  image_uri        = var.package.image_uri
  filename         = var.package.zip_path
  source_code_hash = local.from_image ? null : filebase64sha256(var.package.zip_path)
  runtime          = local.from_image ? null : "python3.13"
  handler          = local.from_image ? null : var.handler

  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)

  # One image recipe serves every function, so the handler is said here for an image too.
  dynamic "image_config" {
    for_each = local.from_image ? [var.handler] : []

    content {
      command = [image_config.value]
    }
  }

  dynamic "environment" {
    for_each = length(var.environment) > 0 ? [var.environment] : []

    content {
      variables = environment.value
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # The first invocation may follow at once: it must find its permissions.
  depends_on = [aws_iam_role_policy.log, aws_iam_role_policy.this]
}
