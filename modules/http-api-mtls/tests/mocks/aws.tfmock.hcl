# What AWS would answer: values of the right shape, since the provider checks references between resources.

mock_data "aws_region" {
  defaults = {
    name = "eu-west-1"
  }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    id            = "a1b2c3d4e5"
    execution_arn = "arn:aws:execute-api:eu-west-1:222222222222:a1b2c3d4e5"
  }
}

mock_resource "aws_apigatewayv2_authorizer" {
  defaults = {
    id = "auth01"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-west-1:222222222222:log-group:/aws/vendedlogs/apigateway/mock"
  }
}

mock_resource "aws_route53_health_check" {
  defaults = {
    id = "11111111-2222-3333-4444-555555555555"
  }
}
