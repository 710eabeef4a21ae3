# Asserts that each zone is public, keeps its records on a destroy and cannot be made again by accident, which
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
  domain_names = ["dev.example.com", "stage.example.com"]
}

run "each_domain_has_a_public_zone_of_its_own" {
  command = plan

  assert {
    condition     = { for domain, zone in aws_route53_zone.this : domain => zone.name } == { for domain in ["dev.example.com", "stage.example.com"] : domain => domain }
    error_message = "There is not one zone a domain."
  }

  assert {
    condition     = alltrue([for zone in aws_route53_zone.this : length(zone.vpc) == 0])
    error_message = "A zone is private: clients outside could not resolve the API."
  }
}

run "the_delegation_is_told" {
  command = plan

  assert {
    condition     = output.zone_ids == { for domain in ["dev.example.com", "stage.example.com"] : domain => "Z0123456789ABCDEFGHIJ" }
    error_message = "zone_ids are not the zones'."
  }

  assert {
    condition     = output.name_servers["dev.example.com"] == tolist(["ns-1.awsdns-01.org", "ns-2.awsdns-02.com"])
    error_message = "name_servers are not the zones'."
  }
}

run "the_zone_outlives_a_destroy" {
  command = plan

  assert {
    condition     = alltrue([for zone in aws_route53_zone.this : zone.force_destroy == false])
    error_message = "A zone may be destroyed with records in it."
  }

  # A plan cannot show lifecycle arguments: the source is read instead.
  assert {
    condition     = can(regex("resource \"aws_route53_zone\" \"this\" {[^}]*lifecycle {\\s*prevent_destroy = true", file("${path.module}/main.tf")))
    error_message = "The zone is not protected by prevent_destroy."
  }
}
