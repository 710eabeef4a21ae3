"""Terraform in a module: initialised when need be, and without a trace in the source tree."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import modules, terraform_test
from tools.errors import ToolsError
from tools.tasks import TaskFailedError

Script = Callable[[Path, str], Path]

# A Terraform that works once it is initialised, and notes what it is asked.
TERRAFORM = """
echo "$1" >> "$HOME/asked"
case "$1" in
  init) mkdir -p "$TF_DATA_DIR"; echo done > "$TF_DATA_DIR/providers" ;;
  *)
    if [ "$(cat "$TF_DATA_DIR/providers")" != done ]; then
      echo 'Please run "terraform init".'
      exit 1
    fi
    echo "Success! 3 passed, 0 failed." ;;
esac
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(modules, "BUILD", tmp_path / "build")
    (tmp_path / "home").mkdir()
    folder = tmp_path / "modules" / "lamp"
    (folder / "tests").mkdir(parents=True)
    (folder / "versions.tf").touch()
    return folder


def asked(environ: dict[str, str]) -> list[str]:
    return (Path(environ["HOME"]) / "asked").read_text().split()


def test_modules_are_the_folders_with_a_versions_file(module: Path) -> None:
    (module.parent / "notes").mkdir()

    assert modules.find(module.parent) == [module]


def test_a_tree_without_modules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="there is no module in"):
        modules.find(tmp_path)


def test_a_module_is_initialised_once(
    module: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "terraform", TERRAFORM)

    modules.terraform(module, "validate", environment=environ)
    modules.terraform(module, "test", environment=environ)

    assert asked(environ) == ["init", "validate", "test"]


def test_a_module_is_initialised_again_when_terraform_asks_for_it(
    module: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "terraform", TERRAFORM)
    modules.terraform(module, "validate", environment=environ)
    (tmp_path / "build" / "terraform" / "lamp" / "providers").write_text("of another version")

    modules.terraform(module, "validate", environment=environ)

    assert asked(environ) == ["init", "validate", "validate", "init", "validate"]


def test_a_module_that_cannot_be_initialised_shows_why(
    module: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "terraform", "echo 'no such provider' >&2; exit 1")

    with pytest.raises(TaskFailedError, match="terraform init in lamp:\nno such provider"):
        modules.terraform(module, "validate", environment=environ)


def test_terraforms_data_stays_out_of_the_module(
    module: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "terraform", TERRAFORM)

    modules.terraform(module, "validate", environment=environ)

    assert sorted(path.name for path in module.iterdir()) == ["tests", "versions.tf"]


def test_the_number_of_tests_is_told(
    module: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "terraform", TERRAFORM)
    (module / "tests" / "light.tftest.hcl").touch()

    assert terraform_test.test(module, environ) == "3 tests"


def test_a_module_without_tests_fails(module: Path, environ: dict[str, str]) -> None:
    with pytest.raises(TaskFailedError, match="lamp has no tests"):
        terraform_test.test(module, environ)


def test_a_run_of_no_test_fails(
    module: Path, tmp_path: Path, script: Script, environ: dict[str, str]
) -> None:
    script(tmp_path / "bin" / "terraform", TERRAFORM.replace("3 passed", "0 passed"))
    (module / "tests" / "light.tftest.hcl").touch()

    with pytest.raises(TaskFailedError, match="no test ran"):
        terraform_test.test(module, environ)
