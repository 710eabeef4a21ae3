"""The environment in which tools talk to the local cloud, for our own commands and for people."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.releases import git_config
from local.settings import PIPELINE_ACCOUNT_ID, StateDirectory
from pki.organization import Organization

_FOREIGN_PREFIXES = (
    *("AWS_", "MTLS_", "TF_VAR_", "TF_CLI_ARGS", "TG_"),
    # Perhaps another local cloud's: git would take the first of two.
    *("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"),
)
_FOREIGN = frozenset({"TF_PLUGIN_CACHE_DIR", "TF_DATA_DIR", "TF_WORKSPACE"})

_MISLEADING = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "TF_PLUGIN_CACHE_DIR", "MTLS_BOOTSTRAP"),
)
"""What a person's shell may hold that would lead elsewhere."""


def exports(
    state: StateDirectory,
    endpoint_url: str,
    organization: Organization,
    architecture: str,
    environments: Sequence[str],
) -> dict[str, str]:
    """The variables that lead AWS's SDKs, Terraform, Terragrunt and git to the local cloud.

    Args:
        state: its state directory.
        endpoint_url: where every AWS API is served.
        organization: the facts of ``live/``.
        architecture: of the functions, as Lambda names it.
        environments: the environments that it holds.
    """
    region = organization.region
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": PIPELINE_ACCOUNT_ID,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        # A person's profiles name real accounts.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Each unit starts a provider of its own: at most as many at once as fit into memory.
        "TG_PARALLELISM": str(max(4, os.cpu_count() or 1)),
        "LAMBDA_ARCHITECTURE": architecture,
        "MTLS_LOCAL_DIR": str(state.root),
        # The certificate authority has keys for these only.
        "MTLS_ENVIRONMENTS": ",".join(environments),
        **git_config(state.modules, organization.github_repository),
    }


def child_environment(
    environ: Mapping[str, str], exported: Mapping[str, str], **further: str
) -> dict[str, str]:
    """A person's environment without what would lead to real accounts, and with our exports."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name not in _FOREIGN
    }
    return {**kept, **exported, **further}


def render_env_script(
    exported: Mapping[str, str], tools: Mapping[str, str], search_path: list[Path]
) -> str:
    """The text of ``env.sh``.

    Args:
        exported: see `exports`.
        tools: further variables, of the tools.
        search_path: folders that come before the person's own PATH.
    """
    lines = [
        "# Source this file: the AWS CLI, SDKs, Terraform and Terragrunt then talk to the local",
        "# cloud. Written by `python -m local up`, gone after `python -m local down`.",
        f"unset {' '.join(_MISLEADING)}",
    ]
    lines += [
        f"export {name}={shlex.quote(value)}" for name, value in {**exported, **tools}.items()
    ]
    if search_path:
        folders = os.pathsep.join(str(folder) for folder in search_path)
        lines.append(f'export PATH={shlex.quote(folders)}"${{PATH:+{os.pathsep}$PATH}}"')
    return "\n".join([*lines, ""])
