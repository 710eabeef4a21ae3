output "zone_ids" {
  description = "Domain to the id of its hosted zone."
  value       = { for domain, zone in aws_route53_zone.this : domain => zone.zone_id }
}

output "name_servers" {
  description = "Domain to its name servers: NS records of these belong in the parent zone or at the registrar."
  value       = { for domain, zone in aws_route53_zone.this : domain => zone.name_servers }
}
