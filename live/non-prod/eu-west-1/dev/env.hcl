# The environment's name (the path is the fact) and the choices that make it differ from its neighbours.
locals {
  name = basename(get_terragrunt_dir())

  # Requests a second, and how many may come at once. Over it: 429.
  throttling = {
    rate  = 500
    burst = 1000
  }

  # Days that logs are kept.
  log_retention_days = 14
}
