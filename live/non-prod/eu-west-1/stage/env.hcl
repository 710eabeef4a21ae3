# The environment's name (the path is the fact) and the choices that make it differ from its neighbours.
locals {
  name = basename(get_terragrunt_dir())

  # Requests a second, and how many may come at once. Over it: 429. As in prod, so that a limit is met here first.
  throttling = {
    rate  = 200
    burst = 400
  }

  # Days that logs are kept.
  log_retention_days = 30
}
