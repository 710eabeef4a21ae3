"""env.sh and the environment of our own commands lead to the local cloud and nowhere else."""

import os
import subprocess
from pathlib import Path

from local.environment import child_environment, exports, render_env_script
from local.settings import StateDirectory
from tests.support import ORGANIZATION

URL = "http://127.0.0.1:4599"


def sourced(tmp_path: Path, state_dir: Path, before: dict[str, str]) -> dict[str, str]:
    exported = exports(StateDirectory(state_dir), URL, ORGANIZATION, "arm64", ["dev", "stage"])
    script = tmp_path / "env.sh"
    script.write_text(render_env_script(exported, {"TG_TF_PATH": "terraform"}, [tmp_path / "bin"]))
    result = subprocess.run(
        ["bash", "-euc", 'source "$1" && env -0', "bash", str(script)],
        env={"PATH": os.environ["PATH"], **before},
        capture_output=True,
        text=True,
        check=True,
    )
    entries = result.stdout.split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def test_sourcing_leads_to_the_emulator_as_the_pipeline(tmp_path: Path) -> None:
    environment = sourced(tmp_path, tmp_path, {})
    assert environment["AWS_ENDPOINT_URL"] == URL
    assert environment["AWS_ACCESS_KEY_ID"] == "999999999999"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == ORGANIZATION.region
    assert environment["MTLS_ENVIRONMENTS"] == "dev,stage"
    assert environment["LAMBDA_ARCHITECTURE"] == "arm64"
    assert environment["MTLS_LOCAL_DIR"] == str(tmp_path)
    assert environment["TG_TF_PATH"] == "terraform"


def test_sourcing_drops_what_would_lead_to_a_real_account(tmp_path: Path) -> None:
    environment = sourced(
        tmp_path,
        tmp_path,
        {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "TF_PLUGIN_CACHE_DIR": "/x"},
    )
    assert {"AWS_PROFILE", "AWS_SESSION_TOKEN", "TF_PLUGIN_CACHE_DIR"}.isdisjoint(environment)
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull


def test_sourcing_leads_git_to_the_modules_that_are_pinned(tmp_path: Path) -> None:
    environment = sourced(tmp_path, tmp_path / "a state", {})
    address = f"https://github.com/{ORGANIZATION.github_repository}.git"
    result = subprocess.run(
        ["git", "ls-remote", "--get-url", address],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == str(tmp_path / "a state" / "modules.git")


def test_tools_of_the_project_come_first_on_the_path(tmp_path: Path) -> None:
    path = sourced(tmp_path, tmp_path, {})["PATH"].split(os.pathsep)
    assert path[0] == str(tmp_path / "bin")
    assert path[1:] == os.environ["PATH"].split(os.pathsep)


def test_a_state_directory_may_hold_spaces_and_quotes(tmp_path: Path) -> None:
    odd = tmp_path / "it's a $HOME dir"
    assert sourced(tmp_path, odd, {})["MTLS_LOCAL_DIR"] == str(odd)


def test_commands_see_nothing_of_a_persons_aws_terraform_and_terragrunt_settings() -> None:
    environment = child_environment(
        {
            "AWS_PROFILE": "production",
            "AWS_SECRET_ACCESS_KEY": "real",
            "TF_VAR_bucket_name": "other",
            "TF_PLUGIN_CACHE_DIR": "/x",
            "TG_SOURCE": "/elsewhere",
            "MTLS_BOOTSTRAP": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "url.other.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://github.com/",
            "TF_CLI_CONFIG_FILE": "/tools/terraformrc",
            "PATH": "/bin",
        },
        {"AWS_ENDPOINT_URL": URL},
        MTLS_ROLE="apply",
    )
    assert environment == {
        "TF_CLI_CONFIG_FILE": "/tools/terraformrc",
        "PATH": "/bin",
        "AWS_ENDPOINT_URL": URL,
        "MTLS_ROLE": "apply",
    }
