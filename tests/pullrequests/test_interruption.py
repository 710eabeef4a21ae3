"""What is left when an apply is killed, or meets another one: always something to go on from."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pullrequests.cases import statuses
from tests.pullrequests.changes import Change, replace
from tests.pullrequests.conftest import Begun
from tests.pullrequests.world import World, kill

pytestmark = pytest.mark.platform

REGISTRY = "non-prod/eu-west-1/dev/registry"
WHOAMI = "non-prod/eu-west-1/dev/whoami"
STATES = "example-tfstate-222222222222"
SECONDS = 120


def reviewed(world: World, change: Change) -> None:
    """The change is on `main`, planned and approved."""
    world.merge(change)
    world.plan(base="HEAD~1").passed()
    world.approve("dev").passed()


def timeout(word: str) -> Change:
    """Another timeout of the function: a change that takes AWS no time."""
    file = f"live/{WHOAMI}/terragrunt.hcl"
    return Change(f"Wait {word}", (add_input(file, f"timeout_seconds = {word}"),))


def add_input(file: str, line: str) -> Callable[[Path], None]:
    """Set an input of a unit, or set it anew."""
    name = line.partition(" ")[0]

    def edit(checkout: Path) -> None:
        path = checkout / file
        text = re.sub(rf"^  {name} .*\n", "", path.read_text("utf-8"), flags=re.MULTILINE)
        path.write_text(text.replace("\ninputs = {\n", f"\ninputs = {{\n  {line}\n"), "utf-8")

    return edit


def wait_for(what: str, there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not there():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


def journal(world: World, unit: str) -> str:
    """What the journal of the set that was approved says of a unit."""
    digest = world.digest("dev").removeprefix("sha256:")
    file = world.plans("dev") / "applied" / digest / f"{unit}.json"
    try:
        return str(json.loads(file.read_text("utf-8"))["state"])
    except (FileNotFoundError, ValueError):
        return ""


def lock(world: World, unit: str) -> dict[str, Any] | None:
    """The lock of a unit's state, as Terraform wrote it."""
    client = world.cloud.client("s3", "222222222222")
    try:
        found = client.get_object(Bucket=STATES, Key=f"{unit}/terraform.tfstate.tflock")
    except client.exceptions.NoSuchKey:
        return None
    document: dict[str, Any] = json.loads(found["Body"].read())
    return document


def test_an_apply_that_is_killed_between_two_units_is_completed_by_the_next(
    world: World, begun: Begun
) -> None:
    registry = f"live/{REGISTRY}/terragrunt.hcl"
    both = Change(
        "Wait longer, and name what is kept",
        (
            *timeout("20").edits,
            replace(registry, "\ninputs = {\n", "\n# Applied for the first time.\ninputs = {\n"),
        ),
    )
    reviewed(world, both)
    one_by_one = {"TG_PARALLELISM": "1"}
    with world.started(*world.apply_command("dev"), environ=one_by_one) as process:
        wait_for("the first unit", lambda: journal(world, REGISTRY) == "done")
        kill(process)
    assert journal(world, WHOAMI) != "done"

    answer = world.apply("dev").passed()

    assert [line.split() for line in answer.stdout.splitlines()] == [
        ["unchanged", REGISTRY],
        ["applied", WHOAMI],
    ]
    assert set(statuses(world.plan(base="HEAD~1").passed()).values()) == {"unchanged"}


def test_a_lost_lock_is_told_with_the_command_that_clears_it(world: World, begun: Begun) -> None:
    reviewed(world, timeout("21"))
    with world.started(*world.apply_command("dev")) as process:
        wait_for("the apply", lambda: journal(world, WHOAMI) == "started")
        wait_for("its lock", lambda: lock(world, WHOAMI) is not None)
        kill(process)
    left = lock(world, WHOAMI)
    assert left is not None, "Terraform was faster"

    answer = world.apply("dev", "--lock-seconds", "1")
    assert answer.exit_code == 1, str(answer)
    assert f"{WHOAMI}: plan: the state is locked by {left['Who']}" in answer.stderr
    command = re.search(r"make unlock UNIT=\S+ LOCK=\S+", answer.stderr)
    assert command is not None, str(answer)
    assert left["ID"] in command[0]

    world.run(*command[0].split()).passed()
    assert lock(world, WHOAMI) is None
    world.apply("dev").passed()
    assert statuses(world.plan(base="HEAD~1").passed()) == {WHOAMI: "unchanged"}


def test_the_lock_of_another_run_is_not_cleared(world: World, begun: Begun) -> None:
    answer = world.pipeline("unlock", "--unit", WHOAMI, "--lock", "0" * 8)
    assert answer.exit_code == 1, str(answer)
    assert "the state is not locked" in answer.stderr


def test_two_applies_at_once_leave_the_state_whole(
    world: World, begun: Begun, tmp_path: Path
) -> None:
    reviewed(world, timeout("22"))
    other = world.second_clone(tmp_path)
    with (
        world.started(*world.apply_command("dev")) as one,
        other.started(*world.apply_command("dev")) as two,
    ):
        said = [process.communicate(timeout=SECONDS) for process in (one, two)]
        codes = [one.returncode, two.returncode]

    assert 0 in codes, said
    for code, (_, words) in zip(codes, said, strict=True):
        clear = "is locked by" in words or "is not the one that was reviewed" in words
        assert code == 0 or clear, words
    state = world.state(WHOAMI)
    assert state is not None
    (function,) = (one for one in state["resources"] if one["type"] == "aws_lambda_function")
    assert function["instances"][0]["attributes"]["timeout"] == 22
    assert lock(world, WHOAMI) is None
    assert statuses(world.plan(base="HEAD~1").passed()) == {WHOAMI: "unchanged"}
