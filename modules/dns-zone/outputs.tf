output "zone_id" {
  description = "Id of the hosted zone."
  value       = aws_route53_zone.this.zone_id
}

output "name_servers" {
  description = "Name servers to delegate to: NS records of these belong in the parent zone or at the registrar."
  value       = aws_route53_zone.this.name_servers
}
