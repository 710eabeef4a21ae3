"""Where plan sets are kept: a bucket and a folder with one behaviour."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from pipeline.errors import PipelineError, TamperedError
from pipeline.model import PlannedUnit, PlanSet, UnitStatus, digest_of
from pipeline.planning import write_private
from pipeline.store import Bucket, Folder, Journal, Objects, fetch, upload

UNIT = "non-prod/eu-west-1/dev/registry"
WAITING = "non-prod/eu-west-1/dev/waiting"


@pytest.fixture(params=["bucket", "folder"])
def objects(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Objects]:
    if request.param == "folder":
        yield Folder(tmp_path / "objects")
        return
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="plans")
        yield Bucket(client, "plans")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("tfplan", "tfplan.json"):
        write_private(tmp_path / "set" / UNIT / name, name.encode())
    return tmp_path / "set"


@pytest.fixture
def plan_set() -> PlanSet:
    planned = PlannedUnit(
        UNIT,
        UnitStatus.CHANGED,
        plan_sha256=digest_of(b"tfplan"),
        json_sha256=digest_of(b"tfplan.json"),
        semantics=digest_of(b"meaning"),
    )
    return PlanSet(
        repository="example-org/example",
        scope="dev",
        account="non-prod",
        environment="dev",
        base="",
        head="a" * 40,
        tree="b" * 40,
        destroy=False,
        units=(planned, PlannedUnit(WAITING, UnitStatus.WAITING, waits_for=(UNIT,))),
        created_at="2026-01-01T00:00:00Z",
    )


def test_what_is_put_is_read(objects: Objects, folder: Path, plan_set: PlanSet) -> None:
    upload(plan_set, folder, objects)

    stored = fetch(objects, plan_set.digest)

    assert stored.plan_set == plan_set
    assert stored.plan_json(plan_set.units[0]) == b"tfplan.json"
    assert stored.plan_file(plan_set.units[0]) == b"tfplan"


def test_putting_again_changes_nothing(objects: Objects, folder: Path, plan_set: PlanSet) -> None:
    upload(plan_set, folder, objects)
    upload(plan_set, folder, objects)

    assert fetch(objects, plan_set.digest).plan_set == plan_set
    assert objects.put_new("plans/x", b"1")
    assert not objects.put_new("plans/x", b"2")
    assert objects.get("plans/x") == b"1"


@pytest.mark.parametrize("name", ["tfplan", "tfplan.json"])
def test_pitfall_17_a_plan_that_was_changed_is_refused(
    objects: Objects, folder: Path, plan_set: PlanSet, name: str
) -> None:
    """Pitfall 17: kept with a SHA-256, which is checked on each read."""
    upload(plan_set, folder, objects)
    key = f"plans/{plan_set.digest.removeprefix('sha256:')}/{UNIT}/{name}"
    objects.put(key, b"another")
    stored = fetch(objects, plan_set.digest)
    read = stored.plan_file if name == "tfplan" else stored.plan_json

    with pytest.raises(TamperedError) as caught:
        read(plan_set.units[0])

    assert str(caught.value) == (
        f"{objects.name(key)} is not what was reviewed: expected {digest_of(name.encode())}, "
        f"found {digest_of(b'another')}"
    )


def test_a_set_that_was_changed_is_refused(
    objects: Objects, folder: Path, plan_set: PlanSet
) -> None:
    upload(plan_set, folder, objects)
    key = f"plans/{plan_set.digest.removeprefix('sha256:')}/plan-set.json"
    objects.put(key, replace(plan_set, scope="prod").to_bytes())

    with pytest.raises(TamperedError, match=r"plan-set\.json is not what was reviewed"):
        fetch(objects, plan_set.digest)


def test_a_plan_that_is_gone_is_refused(objects: Objects, folder: Path, plan_set: PlanSet) -> None:
    objects.put(
        f"plans/{plan_set.digest.removeprefix('sha256:')}/plan-set.json", plan_set.to_bytes()
    )

    with pytest.raises(TamperedError, match="is gone"):
        fetch(objects, plan_set.digest).plan_json(plan_set.units[0])


def test_a_set_that_is_not_there(objects: Objects) -> None:
    with pytest.raises(PipelineError, match="there is no plan set"):
        fetch(objects, digest_of(b"nothing"))


def test_what_was_changed_before_it_is_put_is_refused(
    objects: Objects, folder: Path, plan_set: PlanSet
) -> None:
    (folder / UNIT / "tfplan").write_bytes(b"another")

    with pytest.raises(TamperedError):
        upload(plan_set, folder, objects)
    with pytest.raises(PipelineError, match="there is no plan set"):
        fetch(objects, plan_set.digest)


def test_a_journal_remembers(objects: Objects) -> None:
    journal = Journal(objects, digest_of(b"set"))
    assert not journal.was_started(UNIT)

    journal.write(UNIT, "started")
    assert journal.was_started(UNIT)
    assert not journal.is_done(UNIT)

    journal.write(UNIT, "done")
    assert journal.is_done(UNIT)
    assert not Journal(objects, digest_of(b"another")).was_started(UNIT)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"digest": "sha256:x"}'])
def test_a_journal_that_was_written_by_others_is_refused(objects: Objects, content: bytes) -> None:
    digest = digest_of(b"set")
    objects.put(f"applied/{digest.removeprefix('sha256:')}/{UNIT}.json", content)

    with pytest.raises(TamperedError):
        Journal(objects, digest).was_started(UNIT)
