data "aws_region" "current" {}

locals {
  # One integration a function, however many routes it serves.
  integrations = { for key, route in var.routes : route.function_name => route.invoke_arn... }
}

################################################################################
# API
################################################################################

resource "aws_apigatewayv2_api" "this" {
  name          = "${var.name_prefix}-api"
  description   = "Reached by ${var.domain_name} alone, with a client certificate"
  protocol_type = "HTTP"

  # The default endpoint asks for no client certificate: it must not answer.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-disable-default-endpoint.html
  disable_execute_api_endpoint = true
}

resource "aws_apigatewayv2_authorizer" "this" {
  api_id          = aws_apigatewayv2_api.this.id
  name            = "certificate-bound-token"
  authorizer_type = "REQUEST"
  authorizer_uri  = var.authorizer.invoke_arn

  authorizer_payload_format_version = "2.0"
  enable_simple_responses           = true
  identity_sources                  = ["$request.header.Authorization"]

  # No cache: its key would be the token alone, and a cached answer would serve whoever presents that token with another certificate.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
  authorizer_result_ttl_in_seconds = 0

  # A request authorizer has no JWT configuration; the local cloud's emulator reports an empty one, which would be removed in every plan.
  lifecycle {
    ignore_changes = [jwt_configuration]
  }
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = local.integrations

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value[0]
  integration_method     = "POST"
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "this" {
  for_each = var.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.this[each.value.function_name].id}"
  authorization_type = each.value.authorization == "none" ? "NONE" : "CUSTOM"
  authorizer_id      = each.value.authorization == "none" ? null : aws_apigatewayv2_authorizer.this.id
}

resource "aws_lambda_permission" "authorizer" {
  statement_id  = "Authorizer-${aws_apigatewayv2_api.this.id}"
  action        = "lambda:InvokeFunction"
  function_name = var.authorizer.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/authorizers/${aws_apigatewayv2_authorizer.this.id}"
}

resource "aws_lambda_permission" "integration" {
  for_each = local.integrations

  statement_id  = "Integration-${aws_apigatewayv2_api.this.id}"
  action        = "lambda:InvokeFunction"
  function_name = each.key
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}

################################################################################
# Stage: throttling and access log
################################################################################

# Below /aws/vendedlogs, so that the account's log resource policy does not grow with each API.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158: CloudWatch Logs encrypts every group; log_kms_key_arn gives a key of one's own where an organisation wants it

  name              = "/aws/vendedlogs/apigateway/${var.name_prefix}-api/access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_burst_limit   = var.throttling.burst
    throttling_rate_limit    = var.throttling.rate
    detailed_metrics_enabled = true
  }

  dynamic "route_settings" {
    for_each = var.route_throttling

    content {
      route_key                = route_settings.key
      throttling_burst_limit   = route_settings.value.burst
      throttling_rate_limit    = route_settings.value.rate
      detailed_metrics_enabled = true
    }
  }

  # Neither path, headers nor anything else that a caller writes as he likes: API Gateway does not escape them in a JSON format.
  # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      requestId           = "$context.requestId"
      requestTime         = "$context.requestTime"
      domainName          = "$context.domainName"
      sourceIp            = "$context.identity.sourceIp"
      protocol            = "$context.protocol"
      routeKey            = "$context.routeKey"
      status              = "$context.status"
      responseLength      = "$context.responseLength"
      responseLatency     = "$context.responseLatency"
      errorResponseType   = "$context.error.responseType"
      authorizerError     = "$context.authorizer.error"
      clientId            = "$context.authorizer.client_id"
      fingerprint         = "$context.authorizer.fingerprint"
      integrationError    = "$context.integration.error"
      integrationStatus   = "$context.integration.integrationStatus"
      integrationLatency  = "$context.integration.latency"
      integrationId       = "$context.integration.requestId"
      clientCertSubject   = "$context.identity.clientCert.subjectDN"
      clientCertIssuer    = "$context.identity.clientCert.issuerDN"
      clientCertSerial    = "$context.identity.clientCert.serialNumber"
      clientCertNotBefore = "$context.identity.clientCert.validity.notBefore"
      clientCertNotAfter  = "$context.identity.clientCert.validity.notAfter"
    })
  }

  # Settings of a route need the route.
  depends_on = [aws_apigatewayv2_route.this]
}

resource "aws_apigatewayv2_api_mapping" "this" {
  api_id          = aws_apigatewayv2_api.this.id
  domain_name     = var.domain_name
  stage           = aws_apigatewayv2_stage.this.id
  api_mapping_key = var.mapping_key
}

################################################################################
# Health: Route 53's own probes present no client certificate, so the health check follows an alarm on what clients got
################################################################################

# The mean of `5xx` is the share of answers that failed. A single metric with a plain statistic: Route 53 follows no metric math.
# https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating-values.html#health-checks-creating-values-cloudwatch
resource "aws_cloudwatch_metric_alarm" "server_errors" {
  alarm_name        = "${var.name_prefix}-api-5xx"
  alarm_description = "${var.name_prefix}: the API answers with a 5xx status too often; see its access log"

  namespace   = "AWS/ApiGateway"
  metric_name = "5xx"
  dimensions  = { ApiId = aws_apigatewayv2_api.this.id }
  statistic   = "Average"
  period      = 60

  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.unhealthy_error_rate
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"

  alarm_actions = var.alarm_topic_arns
  ok_actions    = var.alarm_topic_arns
}

resource "aws_route53_health_check" "this" {
  type                            = "CLOUDWATCH_METRIC"
  cloudwatch_alarm_name           = aws_cloudwatch_metric_alarm.server_errors.alarm_name
  cloudwatch_alarm_region         = data.aws_region.current.name
  insufficient_data_health_status = "Healthy"

  # Route 53 copies the alarm's settings when the check is made or updated, and does not follow a later change.
  triggers = {
    threshold = tostring(var.unhealthy_error_rate)
  }

  # The name that Route 53's console shows.
  tags = {
    Name = "${var.name_prefix}-api"
  }
}

################################################################################
# DNS: latency records, since a plain record takes no health check, and a second region can stand beside
################################################################################

resource "aws_route53_record" "this" {
  for_each = toset(["A", "AAAA"])

  zone_id         = var.zone_id
  name            = var.domain_name
  type            = each.key
  set_identifier  = "${var.name_prefix}-${data.aws_region.current.name}"
  health_check_id = aws_route53_health_check.this.id

  # So that an interrupted apply can be run again. Its set identifier keeps it from touching any record but its own.
  allow_overwrite = true

  latency_routing_policy {
    region = data.aws_region.current.name
  }

  alias {
    name                   = var.target_domain_name
    zone_id                = var.target_zone_id
    evaluate_target_health = false
  }
}
