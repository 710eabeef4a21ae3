# Asserts the table's schema, and that its records can be restored, are encrypted and outlive a destroy.
# No cloud is called.

mock_provider "aws" {
  override_during = plan
}

variables {
  name_prefix           = "example-dev"
  account_id            = "222222222222"
  region                = "eu-west-1"
  truststore_bucket_arn = "arn:aws:s3:::example-dev-truststore-222222222222"
  writer_callers        = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-issuer"]
  reader_callers        = ["arn:aws:iam::111111111111:role/example-ceremony", "arn:aws:iam::111111111111:role/example-dev-crl"]
  parameter_path        = "/example/dev"
}

run "certificates_are_found_by_fingerprint" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "fingerprint" && aws_dynamodb_table.this.range_key == null
    error_message = "The key is not the fingerprint alone."
  }
}

run "certificates_are_found_by_client_in_order_of_issue" {
  command = plan

  assert {
    condition     = toset([for index in aws_dynamodb_table.this.global_secondary_index : "${index.name} ${index.hash_key} ${coalesce(index.range_key, "-")} ${index.projection_type}"]) == toset(["by-client-id client_id issued_at ALL", "by-serial-number serial_number - ALL"])
    error_message = "The indexes are not by-client-id over client_id and issued_at, and by-serial-number, each with every attribute."
  }
}

run "the_table_is_paid_by_request" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table has a capacity that a burst of calls could exhaust."
  }
}

run "records_can_be_restored_to_any_second" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.point_in_time_recovery[0].enabled
    error_message = "Point-in-time recovery is off."
  }
}

run "records_are_encrypted" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.server_side_encryption[0].enabled
    error_message = "Server-side encryption is off."
  }
}

run "records_never_expire" {
  command = plan

  assert {
    condition     = alltrue([for ttl in aws_dynamodb_table.this.ttl : ttl.enabled != true])
    error_message = "A TTL would make the registry forget revoked certificates."
  }
}

run "the_table_outlives_a_destroy" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "Deletion protection is off."
  }

  # A plan cannot show lifecycle arguments: the source is read instead.
  assert {
    condition     = length(regexall("prevent_destroy = true", file("${path.module}/main.tf"))) == 1
    error_message = "The table is not protected by prevent_destroy."
  }
}

run "the_table_is_found_by_name" {
  command = plan

  assert {
    condition     = output.table_name == "example-dev-registry"
    error_message = "table_name is not <name_prefix>-registry."
  }

  assert {
    condition     = output.table_arn == "arn:aws:dynamodb:eu-west-1:222222222222:table/example-dev-registry"
    error_message = "table_arn does not follow from the name."
  }
}
