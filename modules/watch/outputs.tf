output "function_name" {
  description = "Name of the watch function."
  value       = module.function.function_name
}

output "topic_arn" {
  description = "ARN of the topic that the alarms are published to."
  value       = aws_sns_topic.this.arn
}

output "alarm_names" {
  description = "Names of the alarms."
  value       = sort(values(aws_cloudwatch_metric_alarm.this)[*].alarm_name)
}
