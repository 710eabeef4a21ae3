output "plan_role_arn" {
  description = "ARN of the role that reads: plans, drift reports."
  value       = aws_iam_role.plan.arn
}

output "apply_role_arn" {
  description = "ARN of the role that writes."
  value       = aws_iam_role.apply.arn
}

output "ceremony_role_arn" {
  description = "ARN of the role that alone signs; `null` outside the security account."
  value       = one(aws_iam_role.ceremony[*].arn)
}

output "permissions_boundary_arn" {
  description = "ARN of the boundary that every role made by the apply role has to carry."
  value       = local.boundary_arn

  depends_on = [aws_iam_policy.boundary]
}
