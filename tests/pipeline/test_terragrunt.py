"""Running Terraform by Terragrunt: its failures, its signals, its environment."""

import os
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from pipeline.errors import CommandFailedError, LockedError
from pipeline.terragrunt import Programs, Terragrunt, complaints, environment, failure, find_lock

UNIT = "non-prod/eu-west-1/dev/registry"
LOCKED = """\
20:40:25.819 STDERR terraform: Error: Error acquiring the state lock
20:40:25.819 STDERR terraform: Error message: operation error S3: PutObject, https response error
Lock Info:
  ID:        8d6bb7c2-12e5-2d39-eb1c-1dd4c5b4b3c2
  Path:      example-tfstate-222222222222/non-prod/eu-west-1/dev/registry/terraform.tfstate
  Operation: OperationTypeApply
  Who:       runner@build-7
  Version:   1.11.4
  Created:   2026-11-24 20:31:02.712 +0000 UTC
  Info:
"""
FRAMED = """\
│ Error: Error acquiring the state lock
│
│ Lock Info:
│   ID:        8d6bb7c2
│   Who:       runner@build-7
│   Created:   2026-11-24
╵
"""
PREFIXED = "\n".join(f"20:40:25.819 STDERR terraform: {line}" for line in FRAMED.splitlines())


def test_a_lock_says_who_since_when_and_how_to_clear_it(tmp_path: Path) -> None:
    error = failure(UNIT, "apply", LOCKED, tmp_path / "log")

    assert isinstance(error, LockedError)
    assert str(error) == (
        f"{UNIT}: apply: the state is locked by runner@build-7 since "
        "2026-11-24 20:31:02.712 +0000 UTC (apply)"
    )
    assert error.hint.endswith(f"make unlock UNIT={UNIT} LOCK=8d6bb7c2-12e5-2d39-eb1c-1dd4c5b4b3c2")


@pytest.mark.parametrize("text", [FRAMED, PREFIXED])
def test_a_lock_is_found_in_any_frame(text: str) -> None:
    found = find_lock(text)

    assert found is not None
    assert (found.id, found.who, found.created) == ("8d6bb7c2", "runner@build-7", "2026-11-24")


def test_another_failure_is_no_lock(tmp_path: Path) -> None:
    error = failure(UNIT, "plan", "noise\nError: no such thing\n  on main.tf", tmp_path / "log")

    assert not isinstance(error, LockedError)
    assert str(error) == f"{UNIT}: plan failed\n  Error: no such thing\n    on main.tf"
    assert str(tmp_path / "log") in error.hint


def test_without_an_error_the_last_lines_are_told() -> None:
    assert complaints("\n".join(str(number) for number in range(100)))[-1] == "99"


def test_pitfall_12_providers_are_shared_by_terragrunts_own_server(tmp_path: Path) -> None:
    """Pitfall 12: Terraform's own plugin_cache_dir races between units."""
    assert environment({"HOME": str(tmp_path)}, "plan")["TG_PROVIDER_CACHE"] == "1"


@pytest.mark.parametrize(
    "text", ['provider_installation { filesystem_mirror { path = "/x" } }', 'plugin_cache_dir="x"']
)
def test_a_machine_that_serves_providers_needs_no_server(tmp_path: Path, text: str) -> None:
    config = tmp_path / "terraformrc"
    config.write_text(text)

    assert "TG_PROVIDER_CACHE" not in environment({"TF_CLI_CONFIG_FILE": str(config)}, "plan")


def test_a_person_may_choose_otherwise(tmp_path: Path) -> None:
    found = environment({"HOME": str(tmp_path), "TG_PROVIDER_CACHE": "0"}, "apply")

    assert found["TG_PROVIDER_CACHE"] == "0"
    assert found["MTLS_ROLE"] == "apply"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A Terragrunt that starts a Terraform, which ends well when it is asked to, once."""
    terraform = tmp_path / "bin" / "terraform"
    terraform.parent.mkdir()
    terraform.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable}
            import pathlib, signal, sys, time
            here = pathlib.Path({str(tmp_path)!r})
            signals = []
            signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
            (here / "started").touch()
            while not signals:
                time.sleep(0.01)
            time.sleep(0.3)
            (here / "signals").write_text(str(len(signals)))
            sys.exit(1)
            """
        )
    )
    terragrunt = tmp_path / "bin" / "terragrunt"
    terragrunt.write_text(
        textwrap.dedent(
            f"""\
            #!{sys.executable}
            import signal, subprocess, sys
            signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(99))
            sys.exit(subprocess.call([{str(terraform)!r}]))
            """
        )
    )
    for file in (terraform, terragrunt):
        file.chmod(0o755)
    return tmp_path


def test_an_interruption_reaches_terraform_once(stand_in: Path) -> None:
    """The second interruption makes Terraform leave without saving its state."""
    path = os.pathsep.join([str(stand_in / "bin"), os.environ["PATH"]])
    (stand_in / "live" / UNIT).mkdir(parents=True)
    programs = Programs()
    terragrunt = Terragrunt(stand_in, {"PATH": path}, programs, stand_in / "logs")
    raised: list[BaseException] = []

    def run() -> None:
        try:
            terragrunt.apply(UNIT, stand_in / "plan", role="apply")
        except BaseException as error:  # noqa: BLE001 # looked at below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 30
    while not (stand_in / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    programs.interrupt()
    thread.join(timeout=30)

    assert (stand_in / "signals").read_text() == "1"
    assert [type(error) for error in raised] == [KeyboardInterrupt]
    with pytest.raises(KeyboardInterrupt):
        terragrunt.plan(UNIT, stand_in / "plan", role="plan")


def test_values_of_a_plan_stay_out_of_the_log(tmp_path: Path) -> None:
    stand_in = tmp_path / "bin" / "terragrunt"
    stand_in.parent.mkdir()
    stand_in.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "out = [word for word in sys.argv if word.startswith('-out=')]\n"
        "open(out[0][5:], 'w').close() if out else None\n"
        "print('{\"secret\": 1}' if 'show' in sys.argv else 'planned')\n"
    )
    stand_in.chmod(0o755)
    (tmp_path / "live" / UNIT).mkdir(parents=True)
    path = os.pathsep.join([str(stand_in.parent), os.environ["PATH"]])
    terragrunt = Terragrunt(tmp_path, {"PATH": path}, Programs(), tmp_path / "logs")

    content = terragrunt.plan(UNIT, tmp_path / "tfplan", role="plan")

    assert content == b'{"secret": 1}\n'
    log = terragrunt.log(UNIT)
    assert log.read_text() == "planned\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tfplan").stat().st_mode & 0o777 == 0o600


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="cannot be run"):
        Programs().run(["/no/such"], cwd=tmp_path, environ={}, log=tmp_path / "log")
