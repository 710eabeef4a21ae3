# One zone a domain, each delegated on its own: accounts then need not share one, and an environment can move.
resource "aws_route53_zone" "this" {
  #checkov:skip=CKV2_AWS_38: DNSSEC needs a DS record in the parent zone first; signing before that does nothing, and undoing it in the wrong order takes the domain down
  #checkov:skip=CKV2_AWS_39: the names are public and in certificate transparency logs; queries say nothing about callers, whom the API's access log names
  for_each = var.domain_names

  name          = each.value
  comment       = "Public zone of the mTLS API platform"
  force_destroy = false

  # A zone made again has other name servers: the delegation would point nowhere.
  lifecycle {
    prevent_destroy = true
  }
}
