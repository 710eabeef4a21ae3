"""make help, and the targets that it lists."""

import re
import subprocess

from tools.paths import ROOT

MAKEFILES = [ROOT / "Makefile", *sorted((ROOT / "makefiles").glob("*.mk"))]


def make(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def targets() -> set[str]:
    declared = [
        line.removeprefix(".PHONY:").split()
        for file in MAKEFILES
        for line in file.read_text().splitlines()
        if line.startswith(".PHONY:")
    ]
    return {name for names in declared for name in names}


def test_help_lists_every_target_once() -> None:
    listed = re.findall(r"^  ([a-z0-9-]+) +\S", make("help").stdout, re.MULTILINE)

    assert sorted(listed) == sorted(targets())


def test_help_is_what_make_shows_when_it_is_given_nothing() -> None:
    assert make().stdout == make("help").stdout


def test_help_has_no_colour_where_there_is_no_terminal() -> None:
    assert "\033" not in make("help").stdout


def test_every_makefile_is_included() -> None:
    included = re.findall(r"^include (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert sorted(included) == [f"makefiles/{path.name}" for path in MAKEFILES[1:]]


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()

    assert lines[-1] == "exec make test"


def test_plan_without_an_environment_says_what_to_type() -> None:
    done = make("plan")

    assert done.returncode == 2
    assert "neither ENV nor BASE is set, try: make plan ENV=dev" in done.stderr
