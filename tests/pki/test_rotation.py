"""A rotation from one issuing CA to the next, killed wherever it can be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.apigatewayv2.models import apigatewayv2_backends

from clientcert import RegistryRecord
from pki.domain import DomainName, DomainStatus
from pki.errors import CanaryError, CaStoreError, RolloutError, TruststoreError
from pki.rollout import Patience, Rollout, plan, roll_out
from pki.rotation import Rotation, State, issuing_authority, observe
from pki.trust_status import Facts, Verdict, judge, worst
from pki.truststore import build_bundle
from pki.truststore_bucket import Pin
from pki.truststore_upload import Distrust, Draft, distrusted_names, draft, upload
from tests.pki.support import (
    NOW,
    Cloud,
    Hierarchy,
    RecordedProgress,
    build_hierarchy,
    client_record,
    kill_at_every_step,
)

DOMAIN = "api.dev.example.com"


@dataclass
class Clock:
    """Time passes when somebody sleeps."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Device:
    """A canary that is let in while the domain pins a version that it is fine with."""

    world: "World"
    refused_by: set[str] = field(default_factory=set)
    answers: list[bool] = field(default_factory=list)

    def call(self) -> None:
        let_in = self.answers.pop(0) if self.answers else self.world.pinned not in self.refused_by
        if not let_in:
            raise CanaryError("/token answered 403")


@dataclass
class World:
    """A domain beside the bucket and the CA store, and the fleet's records."""

    cloud: Cloud
    folder: Path
    records: list[RegistryRecord] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    progress: RecordedProgress = field(default_factory=RecordedProgress)
    settle: timedelta = timedelta(seconds=2)
    applied: int = 0
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.device = Device(self)

    @property
    def domain(self) -> DomainName:
        return DomainName(self.cloud.workload("apigatewayv2"), DOMAIN)

    @property
    def pin_file(self) -> Path:
        return self.folder / "truststore.json"

    @property
    def pinned(self) -> str:
        found = self.domain.truststore()
        assert found is not None
        return found.version

    def set_domain(self, version: str | None, status: str = "AVAILABLE") -> None:
        """moto cannot update a domain name."""
        backend = apigatewayv2_backends[self.cloud.environment.account_id]["eu-west-1"]
        if DOMAIN not in backend.domain_names:
            self.cloud.workload("apigatewayv2").create_domain_name(
                DomainName=DOMAIN, DomainNameConfigurations=[{"EndpointType": "REGIONAL"}]
            )
        made: Any = backend.domain_names[DOMAIN]
        made.domain_name_configurations = [{"domainNameStatus": status}]
        made.mutual_tls_authentication = {
            "truststoreUri": self.cloud.truststore().uri,
            "truststoreVersion": version,
            "truststoreWarnings": self.warnings,
        }

    def apply(self) -> None:
        """What Terraform does: the domain pins what the file says. Can be killed around it."""
        self.applied += 1
        self.domain.truststore()
        self.set_domain(Pin.read(self.pin_file).version)
        self.domain.truststore()

    def rollout(self) -> Rollout:
        return Rollout(
            bucket=self.cloud.truststore(),
            domain=self.domain,
            pin_file=self.pin_file,
            apply=self.apply,
            canaries=[self.device],
            records=lambda: self.records,
            distrusted_names=lambda names: distrusted_names(self.cloud.store(), "dev", names),
            patience=Patience(self.clock, self.clock.sleep, self.settle),
            progress=self.progress,
        )

    def draft(self, include: list[str] | None = None, distrust: Distrust | None = None) -> Draft:
        return draft(self.cloud.store(), self.cloud.truststore(), "dev", include, distrust)

    def upload(self, include: list[str] | None = None, distrust: Distrust | None = None) -> Pin:
        drafted = self.draft(include, distrust)
        return upload(self.cloud.truststore(), drafted, NOW, self.progress).pin

    def establish(self, include: list[str]) -> Pin:
        """As after a rollout."""
        pin = self.upload(include)
        pin.write(self.pin_file)
        self.set_domain(pin.version)
        return pin

    def add_ca(self, generation: str) -> Hierarchy:
        made = build_hierarchy(generation=generation.upper())
        organization = self.cloud.organization
        self.cloud.store().put(organization.root(generation), made.root.certificate)
        self.cloud.store().put(organization.issuing("dev", generation), made.issuing.certificate)
        return made

    def observe(self) -> Rotation:
        return observe(
            *(self.cloud.store(), self.cloud.truststore(), self.domain),
            *(self.records, "dev", NOW),
        )

    def issuer(self, generation: str | None = None) -> str:
        return issuing_authority(
            self.cloud.store(), self.cloud.truststore(), self.domain, "dev", generation
        ).generation

    def leaf(self, hierarchy: Hierarchy, client_id: str, **changes: object) -> RegistryRecord:
        number = len(self.records)
        record = client_record(
            f"{number:064x}",
            client_id=client_id,
            issuer=hierarchy.issuing.certificate.subject.rfc4514_string(),
        )
        self.records.append(replace(record, **changes))  # type: ignore[arg-type]
        return self.records[-1]


@pytest.fixture
def world(cloud: Cloud, tmp_path: Path) -> World:
    return World(cloud, tmp_path / "pins")


def test_without_a_domain_the_newest_ca_issues(world: World) -> None:
    world.add_ca("g1")
    world.add_ca("g2")

    assert world.issuer() == "g2"


def test_the_newest_ca_that_the_domain_trusts_issues_not_the_newest_of_all(world: World) -> None:
    world.add_ca("g1")
    world.add_ca("g2")
    world.establish(["g1"])

    assert world.issuer() == "g1"
    assert world.issuer("g2") == "g2"
    world.establish(["g1", "g2"])
    assert world.issuer() == "g2"


def test_while_a_change_spreads_the_ca_issues_that_was_trusted_before(world: World) -> None:
    world.add_ca("g1")
    world.add_ca("g2")
    pin = world.establish(["g1", "g2"])
    world.set_domain(pin.version, "UPDATING")

    assert world.issuer() == "g1"


def test_a_domain_that_trusts_no_ca_of_the_environment_lets_none_issue(
    world: World, hierarchy: Hierarchy
) -> None:
    world.add_ca("g1")
    strange = build_bundle([hierarchy.issuing.certificate], [hierarchy.root.certificate])
    world.set_domain(world.cloud.truststore().store(strange, None).version)

    with pytest.raises(CaStoreError, match="trusts none of dev's issuing CAs"):
        world.issuer()


def test_a_domain_without_a_pinned_version_is_refused(world: World) -> None:
    world.add_ca("g1")
    world.set_domain(None)

    with pytest.raises(TruststoreError, match="pins no version"):
        world.issuer()


@pytest.fixture
def rotating(world: World) -> tuple[World, Hierarchy, Hierarchy]:
    """g1 is trusted and in use, g2 has a certificate."""
    first = world.add_ca("g1")
    world.establish(["g1"])
    world.leaf(first, "device-001")
    return world, first, world.add_ca("g2")


type Rotating = tuple[World, Hierarchy, Hierarchy]


def test_a_state_follows_from_what_exists(rotating: Rotating) -> None:
    world, first, second = rotating
    seen = [world.observe().state]
    world.establish(["g1", "g2"])
    seen.append(world.observe().state)
    world.leaf(first, "device-002")
    world.leaf(second, "device-001")
    seen.append(world.observe().state)
    world.leaf(second, "device-002")
    seen.append(world.observe().state)
    world.records[:] = [
        replace(record, retires_at=NOW) if "G1" in record.issuer else record
        for record in world.records
    ]
    seen.append(world.observe().state)
    world.establish(["g2"])
    seen.append(world.observe().state)

    assert seen == list(State)


def test_a_ca_on_its_own_is_at_rest(world: World) -> None:
    world.add_ca("g1")
    world.establish(["g1"])

    assert world.observe().state is State.RETIRED


def test_who_waits_and_who_remains_are_told_apart(rotating: Rotating) -> None:
    world, first, second = rotating
    world.establish(["g1", "g2"])
    world.leaf(first, "device-002", not_after=NOW + timedelta(days=3))
    world.leaf(second, "device-001")

    rotation = world.observe()

    assert [record.client_id for record in rotation.remaining] == ["device-002", "device-001"]
    assert [record.client_id for record in rotation.waiting] == ["device-002"]


def test_certificates_of_a_ca_that_is_not_trusted_are_noticed(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.establish(["g2"])

    assert [record.client_id for record in world.observe().stranded] == ["device-001"]


def test_a_rollout_plans_what_it_adds_and_removes_and_changes_nothing(rotating: Rotating) -> None:
    world, _, second = rotating
    before = world.pinned
    world.leaf(second, "device-001")
    pin = world.upload()

    planned = plan(world.rollout())

    assert (planned.target, planned.previous and planned.previous.version) == (pin, before)
    assert planned.added == (
        second.issuing.certificate.subject.rfc4514_string(),
        second.root.certificate.subject.rfc4514_string(),
    )
    assert planned.removed == ()
    assert (world.pinned, world.applied) == (before, 0)


def test_a_rollout_that_would_strand_a_client_is_refused_before_anything(
    rotating: Rotating,
) -> None:
    world, _, _ = rotating
    before = world.pinned
    world.upload(["g2"])

    with pytest.raises(TruststoreError, match=r"certificates in use would be refused: 1 of .*G1"):
        roll_out(world.rollout())

    assert (world.pinned, world.applied, world.rollout().return_file.exists()) == (before, 0, False)


def test_a_rollout_of_a_compromised_cas_removal_strands_its_clients(rotating: Rotating) -> None:
    world, _, _ = rotating
    pin = world.upload(distrust=Distrust("g1", "stolen"))

    done = roll_out(world.rollout())

    assert world.pinned == pin.version == done.truststore.version


def test_a_canary_may_be_refused_while_the_change_spreads(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.settle = timedelta(seconds=90)
    pin = world.upload()
    world.device.answers = [True, False, False, True, False]

    roll_out(world.rollout())

    assert world.pinned == pin.version
    assert world.clock.now - NOW >= timedelta(seconds=90)


def test_a_version_that_refuses_the_canary_is_taken_back(rotating: Rotating) -> None:
    world, _, _ = rotating
    before, old_pin = world.pinned, Pin.read(world.pin_file)
    pin = world.upload()
    world.device.refused_by = {pin.version}

    with pytest.raises(RolloutError, match=f"403; version {before} is in force again"):
        roll_out(world.rollout())

    assert (world.pinned, Pin.read(world.pin_file)) == (before, old_pin)
    assert not world.rollout().return_file.exists()


def test_a_canary_that_is_refused_before_and_after_is_told(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.device.refused_by = {world.pinned, world.upload().version}

    with pytest.raises(RolloutError, match=r"the return to .* failed too"):
        roll_out(world.rollout())

    assert world.rollout().return_file.exists()


def test_a_warning_that_was_not_there_before_is_a_failure(rotating: Rotating) -> None:
    world, _, _ = rotating
    before = world.pinned
    world.upload()
    world.warnings = ["certificate 2 has expired"]

    with pytest.raises(RolloutError, match="warns of the truststore: certificate 2 has expired"):
        roll_out(world.rollout())

    assert world.pinned == before


def test_the_removal_of_a_compromised_ca_is_not_taken_back(rotating: Rotating) -> None:
    world, _, _ = rotating
    pin = world.upload(distrust=Distrust("g1", "stolen"))
    world.device.refused_by = {pin.version}

    with pytest.raises(RolloutError, match="was not taken back"):
        roll_out(world.rollout())

    assert world.pinned == pin.version


def test_a_version_from_before_a_ca_was_compromised_is_not_rolled_out_again(
    rotating: Rotating,
) -> None:
    world, _, _ = rotating
    before = world.pinned
    after = world.upload(distrust=Distrust("g1", "stolen"))
    roll_out(world.rollout())

    with pytest.raises(
        TruststoreError, match=r"holds a compromised CA: CN=example dev Issuing CA G1"
    ):
        roll_out(world.rollout(), before)

    assert world.pinned == after.version


def test_a_unit_that_reads_another_pin_file_is_noticed(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.upload()

    with pytest.raises(RolloutError, match="does not pin version"):
        roll_out(replace(world.rollout(), apply=lambda: None))


def test_a_domain_that_stays_updating_is_given_up(rotating: Rotating) -> None:
    world, _, _ = rotating
    pin = world.upload()

    def half() -> None:
        world.set_domain(Pin.read(world.pin_file).version, DomainStatus.UPDATING)

    with pytest.raises(RolloutError, match="is still UPDATING"):
        roll_out(replace(world.rollout(), apply=half), pin.version)


def test_a_first_rollout_has_nothing_to_return_to(world: World) -> None:
    world.add_ca("g1")
    world.device.refused_by = {world.upload().version}

    with pytest.raises(RolloutError, match="no version before to return to"):
        roll_out(world.rollout())


def step(world: World, include: list[str] | None) -> Callable[[], None]:
    """One change of trust, as `rotation trust` and `rotation retire` make it."""

    def run() -> None:
        pin = world.upload(include)
        roll_out(world.rollout(), pin.version)

    return run


@pytest.mark.parametrize(
    ("before", "include", "after"),
    [(["g1"], None, State.TRUSTED), (["g1", "g2"], ["g2"], State.RETIRED)],
    ids=["trust", "retire"],
)
def test_a_change_of_trust_killed_anywhere_and_run_again_ends_the_same(
    rotating: Rotating, before: list[str], include: list[str] | None, after: State
) -> None:
    world, first, _ = rotating
    world.records.clear()
    if after is State.TRUSTED:
        world.leaf(first, "device-001")
    world.establish(before)
    run = step(world, include)

    def finish_and_start_over(_: int) -> None:
        run()
        require_ended(world, after)
        world.establish(before)

    assert kill_at_every_step(run, finish_and_start_over) > 20
    require_ended(world, after)


def require_ended(world: World, state: State) -> None:
    current = world.cloud.truststore().current()
    assert current is not None
    assert world.observe().state is state
    assert world.pinned == current.pin.version
    assert Pin.read(world.pin_file) == current.pin
    assert not world.rollout().return_file.exists()


def test_a_refused_version_killed_anywhere_and_run_again_is_taken_back_all_the_same(
    rotating: Rotating,
) -> None:
    world, _, _ = rotating
    good = world.upload(["g1"])
    bad = world.upload(["g1", "g2"])
    world.device.refused_by = {bad.version}
    start_over(world, good)

    def run() -> None:
        with pytest.raises(RolloutError, match="in force again"):
            roll_out(world.rollout(), bad.version)

    def finish_and_start_over(_: int) -> None:
        run()
        assert (world.pinned, Pin.read(world.pin_file)) == (good.version, good)
        start_over(world, good)

    assert kill_at_every_step(run, finish_and_start_over) > 20
    assert (world.pinned, Pin.read(world.pin_file)) == (good.version, good)


def start_over(world: World, pin: Pin) -> None:
    pin.write(world.pin_file)
    world.set_domain(pin.version)


def facts(world: World, *, pin: Pin | None = None) -> Facts:
    bucket, pinned = world.cloud.truststore(), world.domain.truststore()
    return Facts(
        versions=bucket.versions(),
        current=bucket.current(),
        pinned=pinned,
        in_force=None if pinned is None else bucket.stored(pinned.version),
        pin=pin,
        rotation=world.observe(),
    )


def found(lines: Iterable[object]) -> str:
    return "\n".join(map(str, lines))


def test_a_status_in_which_all_agree_is_ok(rotating: Rotating) -> None:
    world, _, _ = rotating

    lines = judge(facts(world, pin=Pin.read(world.pin_file)), NOW)

    assert worst(lines) is Verdict.OK, found(lines)


def test_an_upload_that_was_not_rolled_out_is_a_warning(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.upload()

    lines = judge(facts(world), NOW)

    assert [line.subject for line in lines if line.verdict is Verdict.WARNING] == [
        "domain, pinned version"
    ]


def test_a_pin_that_is_not_in_force_fails(rotating: Rotating) -> None:
    world, _, _ = rotating

    lines = judge(facts(world, pin=Pin("other", "ab")), NOW)

    assert [line.subject for line in lines if line.verdict is Verdict.FAILED] == ["pin file"]


def test_a_warning_of_api_gateway_fails(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.warnings = ["certificate 2 has expired"]
    world.set_domain(world.pinned)

    assert worst(judge(facts(world), NOW)) is Verdict.FAILED


def test_a_trusted_ca_that_ends_soon_is_a_warning_and_an_ended_one_fails(
    rotating: Rotating,
) -> None:
    world, first, _ = rotating
    end = first.issuing.certificate.not_valid_after_utc

    assert worst(judge(facts(world), end - timedelta(days=59))) is Verdict.WARNING
    assert worst(judge(facts(world), end + timedelta(days=1))) is Verdict.FAILED


def test_a_client_whose_ca_is_not_trusted_fails_the_status(rotating: Rotating) -> None:
    world, _, _ = rotating
    world.establish(["g2"])

    lines = judge(facts(world), NOW)

    assert [line.subject for line in lines if line.verdict is Verdict.FAILED] == ["registry"]


def test_an_environment_without_domain_fails_the_status(world: World) -> None:
    world.add_ca("g1")

    lines = judge(facts(world), NOW)

    assert worst(lines) is Verdict.FAILED
    assert "no domain yet" in found(lines)
