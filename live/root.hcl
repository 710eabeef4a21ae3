# ---------------------------------------------------------------------------------------------------------------------
# What every unit shares: who and where it is, the AWS provider, the state.
#
# A unit's path is its identity: live/<account>/<region>/<environment>/<unit>. What differs between accounts, regions
# and environments stands in account.hcl, region.hcl, env.hcl, versions.hcl and images.hcl on that path; what belongs to
# one unit stands in the unit. Keep this file small: every unit is re-planned when it changes.
#
# Read from the environment, so that the same files serve AWS and the laptop:
#   MTLS_ROLE                    plan (default) or apply: the role to assume in the unit's account
#   MTLS_BOOTSTRAP               1 for the account's administrator: use the caller's own credentials
#   MTLS_BOOTSTRAP_STATE         file that holds the state of `state-bucket` until its bucket exists
#   AWS_WEB_IDENTITY_TOKEN_FILE  a job's OIDC token: the role is assumed with it, whatever credentials there are
#   AWS_ENDPOINT_URL             set on the laptop only: the local cloud
#   LAMBDA_ARCHITECTURE          arm64 (default) or x86_64
# ---------------------------------------------------------------------------------------------------------------------

locals {
  organization = yamldecode(file(mark_as_read("${get_parent_terragrunt_dir()}/organization.yaml")))

  account     = read_terragrunt_config(find_in_parent_folders("account.hcl")).locals
  region      = read_terragrunt_config(find_in_parent_folders("region.hcl")).locals.region
  environment = read_terragrunt_config(find_in_parent_folders("env.hcl")).locals
  versions    = read_terragrunt_config(find_in_parent_folders("versions.hcl")).locals.versions

  account_id  = local.organization.accounts[local.account.name]
  name_prefix = "${local.organization.organization}-${local.environment.name}"

  # A zone of its own, so that accounts need not share one: see account/dns-zone.
  zone_name       = "${local.environment.name}.${local.organization.domain}"
  api_domain_name = "api.${local.zone_name}"
  parameter_path  = "/${local.organization.organization}/${local.environment.name}"

  # Known before the bucket is: who only names it need not wait for it.
  truststore_bucket_name = "${local.name_prefix}-truststore-${local.account_id}"

  # The apply role may only make roles that carry this policy of `deploy-roles`.
  permissions_boundary_arn = "arn:aws:iam::${local.account_id}:policy/${local.organization.organization}-boundary"

  # Every environment that has a registry, and its account: found from the tree, so that moving a folder is enough.
  workload_accounts = {
    for unit in fileset(get_parent_terragrunt_dir(), "*/*/*/registry/terragrunt.hcl") :
    split("/", unit)[2] => local.organization.accounts[split("/", unit)[0]]
  }

  # A git:: URL with its path spelled out: the github.com shorthand would cut the ref at its slash. And the tag by its
  # whole name: a branch of the same name would be taken instead.
  sources = {
    for module, version in local.versions : module => version == "local" ?
    "${get_repo_root()}/modules//${module}" :
    "git::https://github.com/${local.organization.github_repository}.git//modules/${module}?ref=refs/tags/modules/${module}/v${version}"
  }

  # --- Who acts ------------------------------------------------------------------------------------------------------
  bootstrap = get_env("MTLS_BOOTSTRAP", "") == "1"
  role      = get_env("MTLS_ROLE", "plan")
  role_arns = {
    plan  = "arn:aws:iam::${local.account_id}:role/${local.organization.organization}-plan"
    apply = "arn:aws:iam::${local.account_id}:role/${local.organization.organization}-apply"
  }
  role_arn = local.role_arns[local.role]

  # With a token, a job takes the role of every account that it plans. The credentials that it may hold already are of
  # one account, perhaps of this very role, which does not trust itself.
  token_file = get_env("AWS_WEB_IDENTITY_TOKEN_FILE", "")
  assumption = local.token_file == "" ? "assume_role" : "assume_role_with_web_identity"
  session = {
    for argument, value in {
      role_arn                = local.role_arn
      session_name            = "terragrunt"
      web_identity_token_file = local.token_file
    } : argument => value if value != ""
  }

  # --- What the laptop changes ---------------------------------------------------------------------------------------
  laptop    = get_env("AWS_ENDPOINT_URL", "") != ""
  local_dir = get_env("MTLS_LOCAL_DIR", "${get_repo_root()}/.local")

  # A truststore version is a fact of AWS, committed beside its environment; the laptop's lives and dies with it.
  truststore_pin_file = format(
    "%s/truststore.json",
    local.laptop
    ? "${local.local_dir}/pins/${local.environment.name}"
    : "${get_parent_terragrunt_dir()}/${local.account.name}/${local.region}/${local.environment.name}"
  )

  # --- State ---------------------------------------------------------------------------------------------------------
  # One bucket an account, made by that account's `state-bucket` unit, whose own state lies in a local file until then.
  # The backend is chosen by index: a conditional would turn the booleans of either map into strings.
  bootstrap_state   = get_env("MTLS_BOOTSTRAP_STATE", "")
  state_backend     = local.bootstrap_state == "" ? "s3" : "local"
  state_bucket_name = "${local.organization.organization}-tfstate-${local.account_id}"
  plan_bucket_name  = "${local.organization.organization}-plans-${local.account_id}"
  state_configs = {
    local = {
      path = local.bootstrap_state
    }
    s3 = merge(
      {
        bucket       = local.state_bucket_name
        key          = "${path_relative_to_include()}/terraform.tfstate"
        region       = local.region
        encrypt      = true
        use_lockfile = true

        use_path_style              = local.laptop
        skip_credentials_validation = local.laptop
        skip_metadata_api_check     = local.laptop
      },
      {
        for argument in [local.assumption] :
        argument => local.session if !local.bootstrap
      }
    )
  }

  # --- Packages ------------------------------------------------------------------------------------------------------
  # Functions: images by digest on AWS, the zip of the same build tree where no registry is.
  images       = read_terragrunt_config(find_in_parent_folders("images.hcl", "no-images.hcl"), { locals = { images = {} } }).locals.images
  architecture = get_env("LAMBDA_ARCHITECTURE", "arm64")
  packages = {
    for function in ["authorizer", "crl", "est", "issuer", "token", "token-binding", "watch", "whoami"] : function => {
      architecture = local.architecture
      image_uri    = local.laptop ? null : lookup(local.images, function, null)
      zip_path     = local.laptop ? "${get_repo_root()}/build/lambda/${local.architecture}/${function}.zip" : null
    }
  }
}

# Terraform wants a new `init` when the backend's role changes: a working directory for each role spares that.
# It must be called .terragrunt-cache wherever it lies: the copies of units in it would be found as units otherwise.
download_dir = format(
  "%s/%s",
  local.laptop ? "${local.local_dir}/cache/.terragrunt-cache" : "${get_terragrunt_dir()}/.terragrunt-cache",
  local.bootstrap ? "bootstrap" : local.role
)

terraform {
  # A lock file is released with its module, so a pin fixes the providers too. Nothing is written beside a unit.
  copy_terraform_lock_file = false

  # A laptop may have OpenTofu, whose registry has another name than any lock file here.
  extra_arguments "providers_as_locked" {
    commands  = local.laptop ? [] : ["init"]
    arguments = ["-lockfile=readonly"]
  }

  # The AWS provider spends half of a plan collecting garbage, because its schema is so large.
  extra_arguments "collect_less_garbage" {
    commands = ["apply", "destroy", "plan", "refresh", "import", "show"]
    env_vars = {
      GOGC = get_env("GOGC", "400")
    }
  }

  # Where AWS's SDK finds a token it asks for the role's name in the environment too, whatever is configured.
  extra_arguments "role_of_the_token" {
    commands = ["init", "validate", "plan", "apply", "destroy", "refresh", "import", "output", "state", "force-unlock"]
    env_vars = { for name in ["AWS_ROLE_ARN"] : name => local.role_arn if local.token_file != "" && !local.bootstrap }
  }
}

generate "provider" {
  path      = "provider.tf"
  if_exists = "overwrite_terragrunt"
  contents  = <<-EOF
    provider "aws" {
      region              = "${local.region}"
      allowed_account_ids = ["${local.account_id}"]
    %{if !local.bootstrap~}

      ${local.assumption} {
        ${join("\n    ", [for argument, value in local.session : "${argument} = \"${value}\""])}
      }
    %{endif~}

      # The local cloud serves one host name, knows any credentials, and has no instance metadata to ask.
      s3_use_path_style           = ${local.laptop}
      skip_credentials_validation = ${local.laptop}
      skip_metadata_api_check     = ${local.laptop}

      default_tags {
        tags = {
          organisation = "${local.organization.organization}"
          account      = "${local.account.name}"
          environment  = "${local.environment.name}"
          unit         = "${path_relative_to_include()}"
          managed-by   = "terragrunt"
          repository   = "${local.organization.github_repository}"
        }
      }
    }
  EOF
}


remote_state {
  backend = local.state_backend
  config  = local.state_configs[local.state_backend]

  generate = {
    path      = "backend.tf"
    if_exists = "overwrite_terragrunt"
  }
}
