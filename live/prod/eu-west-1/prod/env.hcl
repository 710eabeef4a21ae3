# The environment's name (the path is the fact) and the choices that make it differ from its neighbours.
locals {
  name = basename(get_terragrunt_dir())

  # Requests a second, and how many may come at once. Over it: 429. Stricter than dev: raise it when it is reached.
  throttling = {
    rate  = 200
    burst = 400
  }

  # Days that logs are kept. A year: who called, and was refused, is asked about late.
  log_retention_days = 365
}
