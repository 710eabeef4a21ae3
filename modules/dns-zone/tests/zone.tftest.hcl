# Asserts that the zone is public, keeps its records on a destroy and cannot be made again by accident, which
# would change its name servers. No cloud is called.

mock_provider "aws" {
  override_during = plan

  mock_resource "aws_route53_zone" {
    defaults = {
      zone_id      = "Z0123456789ABCDEFGHIJ"
      name_servers = ["ns-1.awsdns-01.org", "ns-2.awsdns-02.com"]
    }
  }
}

variables {
  domain_name = "dev.example.com"
}

run "the_zone_is_public_and_named_as_asked" {
  command = plan

  assert {
    condition     = aws_route53_zone.this.name == "dev.example.com"
    error_message = "The zone has another name."
  }

  assert {
    condition     = length(aws_route53_zone.this.vpc) == 0
    error_message = "The zone is private: clients outside could not resolve the API."
  }
}

run "the_delegation_is_told" {
  command = plan

  assert {
    condition     = output.zone_id == "Z0123456789ABCDEFGHIJ"
    error_message = "zone_id is not the zone's."
  }

  assert {
    condition     = output.name_servers == tolist(["ns-1.awsdns-01.org", "ns-2.awsdns-02.com"])
    error_message = "name_servers are not the zone's."
  }
}

run "the_zone_outlives_a_destroy" {
  command = plan

  assert {
    condition     = aws_route53_zone.this.force_destroy == false
    error_message = "The zone may be destroyed with records in it."
  }

  # A plan cannot show lifecycle arguments: the source is read instead.
  assert {
    condition     = can(regex("resource \"aws_route53_zone\" \"this\" {[^}]*lifecycle {\\s*prevent_destroy = true", file("${path.module}/main.tf")))
    error_message = "The zone is not protected by prevent_destroy."
  }
}
