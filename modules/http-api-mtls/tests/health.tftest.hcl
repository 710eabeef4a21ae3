# Health follows an alarm on what clients got, in a form that Route 53 can follow, since its own probes present no certificate;
# the records of both address families carry it.
# No cloud is called: the provider is mocked.

mock_provider "aws" {
  override_during = plan
  source          = "./tests/mocks"
}

run "health_follows_the_alarm" {
  command = plan

  assert {
    condition     = aws_route53_health_check.this.type == "CLOUDWATCH_METRIC"
    error_message = "Route 53's HTTPS checkers present no client certificate and would call a healthy API dead."
  }

  assert {
    condition     = aws_route53_health_check.this.cloudwatch_alarm_name == "example-dev-api-5xx" && aws_route53_health_check.this.cloudwatch_alarm_region == "eu-west-1"
    error_message = "The health check must follow the alarm in its region."
  }

  assert {
    condition     = aws_route53_health_check.this.insufficient_data_health_status == "Healthy"
    error_message = "An API that nobody calls is not unhealthy."
  }
}

run "alarm_is_one_that_route_53_can_follow" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.server_errors.namespace == "AWS/ApiGateway" && aws_cloudwatch_metric_alarm.server_errors.metric_name == "5xx" && aws_cloudwatch_metric_alarm.server_errors.dimensions == tomap({ ApiId = "a1b2c3d4e5" })
    error_message = "The alarm must watch this API's server errors."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.server_errors.metric_query) == 0 && aws_cloudwatch_metric_alarm.server_errors.statistic == "Average" && aws_cloudwatch_metric_alarm.server_errors.datapoints_to_alarm == null
    error_message = "Route 53 follows neither metric math, nor percentiles, nor M out of N."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.server_errors.threshold == 0.05 && aws_cloudwatch_metric_alarm.server_errors.treat_missing_data == "notBreaching"
    error_message = "Five in a hundred, and silence is no error."
  }
}

run "check_learns_of_a_changed_threshold" {
  command = plan

  variables {
    unhealthy_error_rate = 0.2
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.server_errors.threshold == 0.2 && aws_route53_health_check.this.triggers["threshold"] == "0.2"
    error_message = "Route 53 copies the alarm's settings: the check must be updated with them."
  }
}

run "topics_hear_of_both_turns" {
  command = plan

  variables {
    alarm_topic_arns = ["arn:aws:sns:eu-west-1:222222222222:alarms"]
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.server_errors.alarm_actions == toset(["arn:aws:sns:eu-west-1:222222222222:alarms"]) && aws_cloudwatch_metric_alarm.server_errors.ok_actions == toset(["arn:aws:sns:eu-west-1:222222222222:alarms"])
    error_message = "The topics must hear when the API becomes unhealthy and when it recovers."
  }
}

run "both_address_families_point_to_the_domain_with_the_check" {
  command = plan

  assert {
    condition     = toset(values(aws_route53_record.this)[*].type) == toset(["A", "AAAA"])
    error_message = "There must be an A and an AAAA record."
  }

  assert {
    condition = alltrue([
      for record in aws_route53_record.this :
      record.name == "api.dev.example.com" && record.zone_id == "Z0123456789ABCDEFGHIJ"
      && record.alias[0].name == "d-0123456789.execute-api.eu-west-1.amazonaws.com" && record.alias[0].zone_id == "ZLY8HYME6SFDD"
    ])
    error_message = "The records must be aliases of the custom domain's regional name."
  }

  assert {
    condition     = alltrue([for record in aws_route53_record.this : record.health_check_id == "11111111-2222-3333-4444-555555555555" && length(record.latency_routing_policy) == 1])
    error_message = "The records must carry the health check, which a plain record does not take."
  }

  assert {
    condition     = alltrue([for record in aws_route53_record.this : record.set_identifier == "example-dev-eu-west-1" && record.allow_overwrite])
    error_message = "An interrupted apply must be able to run again, and must touch no record but its own."
  }
}
