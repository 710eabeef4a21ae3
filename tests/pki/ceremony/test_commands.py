"""The ceremony's commands as people type them, against moto's cloud."""

import io
import json
import re
import signal
from pathlib import Path

import pytest

from pki.ca_store import CaStore
from pki.ceremony.plan import CeremonyPlan
from pki.ceremony.transcript_store import TranscriptFolder
from pki.commands import (
    approve_ceremony,
    bootstrap_ca,
    ceremony,
    renew_root,
    rotate_issuing_ca,
)
from tests.pki.ceremony.support import ORGANIZATION, Account
from tests.pki.support import Cloud

MAINS = {
    "approve-ceremony": approve_ceremony.main,
    "bootstrap-ca": bootstrap_ca.main,
    "renew-root": renew_root.main,
    "rotate-issuing-ca": rotate_issuing_ca.main,
}


class Terminal(io.StringIO):
    """Standard input with somebody behind it."""

    def isatty(self) -> bool:
        return True


class Shell:
    """Runs a command in the repository, and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.out = ""
        self.err = ""

    def run(self, command: str, *answers: str, terminal: bool = False) -> int:
        name, *arguments = command.split()
        text = "".join(f"{answer}\n" for answer in answers)
        self._monkeypatch.setattr("sys.stdin", (Terminal if terminal else io.StringIO)(text))
        code = MAINS[name](arguments)
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def shell(
    account: Account,
    live_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    """In the account in memory, since moto takes its time; one test below goes all the way."""
    monkeypatch.setattr(ceremony, "ceremony_session", lambda *_: account)
    monkeypatch.chdir(live_dir.parent)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return Shell(capsys, monkeypatch)


def digest_of(path: str) -> str:
    return CeremonyPlan.from_bytes(Path(path).read_bytes()).digest


def approved(shell: Shell, command: str) -> None:
    """Plan and approve, as two people."""
    assert shell.run(f"{command} --plan plan.json --operator alice") == 0, shell.err
    digest = digest_of("plan.json")
    assert shell.run(f"approve-ceremony plan.json --digest {digest}", "bob", digest) == 0, shell.err


EXECUTE = "--execute plan.json --approval approval.json --operator alice"


def test_a_ceremony_is_planned_approved_and_executed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(cloud.live_dir.parent)
    shell = Shell(capsys, monkeypatch)
    approved(shell, "bootstrap-ca --environment dev")

    assert shell.run(f"bootstrap-ca {EXECUTE} --json") == 0, shell.err

    result = json.loads(shell.out)
    assert [entry["subject"] for entry in result["certificates"]] == [
        "CN=example Root CA G1,O=example",
        "CN=example dev Issuing CA G1,O=example",
    ]
    assert [entry["created"] for entry in result["certificates"]] == [True, True]
    assert (result["plan"], result["approver"]) == (digest_of("plan.json"), "bob")
    assert "✓ stored s3://example-ca-111111111111/root/g1.pem" in shell.err
    key = cloud.security("kms").describe_key(KeyId="alias/example-root-ca-g1")["KeyMetadata"]
    assert not key["Enabled"]


def test_a_plan_is_shown_with_its_digest(shell: Shell) -> None:
    assert shell.run("bootstrap-ca --plan plan.json --operator alice") == 0

    assert f"digest        {digest_of('plan.json')}" in shell.out
    assert "requester     alice" in shell.out
    assert "CN=example dev Issuing CA G1,O=example" in shell.out


def test_an_executed_plan_says_so_when_it_is_executed_again(shell: Shell) -> None:
    approved(shell, "bootstrap-ca")
    assert shell.run(f"bootstrap-ca {EXECUTE}") == 0

    assert shell.run(f"bootstrap-ca {EXECUTE} --json") == 0

    assert "note: this plan was executed before: nothing was done" in shell.err
    assert [entry["created"] for entry in json.loads(shell.out)["certificates"]] == [False, False]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_ceremony_that_is_told_to_end_locks_the_root_first(
    shell: Shell, account: Account, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    approved(shell, "bootstrap-ca")
    root = account.kms.keys["alias/example-root-ca-g1"]
    seen: list[bool] = []

    def told_to_end(*_: object) -> None:
        seen.append(root.enabled)
        signal.raise_signal(number)

    monkeypatch.setattr(CaStore, "put", told_to_end)

    assert shell.run(f"bootstrap-ca {EXECUTE}") != 0

    assert (seen, root.enabled) == ([True], False)


def test_a_second_bootstrap_is_refused_and_says_what_exists(shell: Shell) -> None:
    approved(shell, "bootstrap-ca")
    assert shell.run(f"bootstrap-ca {EXECUTE}") == 0

    assert shell.run("bootstrap-ca --plan again.json") == 1

    assert "error: already bootstrapped: CN=example Root CA G1" in shell.err
    assert not Path("again.json").exists()


class Reader(Terminal):
    """Somebody who types their name, and then the digest that they read on the screen."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__()
        self._capsys = capsys
        self._typed = 0

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        self._typed += 1
        shown = re.search(r"sha256:[0-9a-f]{64}", self._capsys.readouterr().err)
        if self._typed == 1:
            assert shown is not None
            self._digest = shown.group()
            return "bob\n"
        return f"{self._digest}\n"


def test_all_of_it_is_done_at_one_terminal(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Reader(capsys))

    assert bootstrap_ca.main(["--operator", "alice", "--json"]) == 0

    result = json.loads(capsys.readouterr().out)
    assert result["approver"] == "bob"
    assert [entry["created"] for entry in result["certificates"]] == [True, True]
    kept = "--execute .local/ceremony/plan.json --approval .local/ceremony/approval.json"
    assert shell.run(f"bootstrap-ca {kept}") == 0
    assert "this plan was executed before" in shell.err


def test_at_one_terminal_too_the_digest_has_to_be_the_plans(shell: Shell, account: Account) -> None:
    assert shell.run("bootstrap-ca --operator alice", "bob", "yes", terminal=True) == 1

    assert "error: the approval is of yes, the plan is sha256:" in shell.err
    assert account.store().authorities() == ()


def test_a_root_is_renewed_and_an_issuing_ca_rotated_below_it(
    shell: Shell, account: Account
) -> None:
    approved(shell, "bootstrap-ca")
    assert shell.run(f"bootstrap-ca {EXECUTE}") == 0
    for authority in (ORGANIZATION.root("g2"), ORGANIZATION.issuing("dev", "g2")):
        account.kms.make(authority.key_alias)

    approved(shell, "renew-root")
    assert shell.run(f"renew-root {EXECUTE}") == 0, shell.err
    approved(shell, "rotate-issuing-ca --environment dev")
    assert shell.run(f"rotate-issuing-ca {EXECUTE}") == 0, shell.err

    issuing = account.store().get(ORGANIZATION.issuing("dev", "g2"))
    assert issuing.issuer.rfc4514_string() == "CN=example Root CA G2,O=example"


def test_the_transcript_is_copied_for_others(shell: Shell) -> None:
    approved(shell, "bootstrap-ca")

    assert shell.run(f"bootstrap-ca {EXECUTE} --transcript transcripts") == 0

    folder = TranscriptFolder(Path("transcripts"))
    assert folder.digests() == (digest_of("plan.json"),)
    assert len(folder.entries(digest_of("plan.json"))) == 11


def test_the_transcript_of_a_ceremony_that_failed_is_copied_too(
    shell: Shell, account: Account
) -> None:
    approved(shell, "bootstrap-ca")
    del account.kms.keys[ORGANIZATION.issuing("dev", "g1").key_alias]

    assert shell.run(f"bootstrap-ca {EXECUTE} --transcript transcripts") == 1

    entries = TranscriptFolder(Path("transcripts")).entries(digest_of("plan.json"))
    assert b'"event":"failed"' in entries[-1].content


def test_the_plan_is_appended_to_a_workflows_summary(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("summary.md").write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")

    assert shell.run("bootstrap-ca --plan plan.json --operator <b>`alice`") == 0

    summary = Path("summary.md").read_text()
    assert summary.startswith("before\n## Plan of a ceremony: bootstrap\n")
    assert f"```\n{digest_of('plan.json')}\n```" in summary
    assert "`<b>'alice'`" in summary


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("bootstrap-ca", "there is no terminal at which the plan could be approved"),
        ("bootstrap-ca --plan a --execute b", "--plan and --execute are two stages"),
        ("bootstrap-ca --execute plan.json", "--execute and --approval go together"),
        ("bootstrap-ca --plan a --approval b", "--execute and --approval go together"),
        ("bootstrap-ca --plan a --transcript b", "--transcript goes with --execute"),
        ("rotate-issuing-ca --plan a", "--environment is missing"),
        ("rotate-issuing-ca --environment moon --plan a", "no environment 'moon' under live/"),
    ],
)
def test_wrong_usage_exits_with_2(shell: Shell, command: str, said: str) -> None:
    assert shell.run(command) == 2
    assert f"error: {said}" in shell.err


@pytest.mark.parametrize("hours", ["0", "169", "-1", "day"])
def test_a_plan_for_no_time_or_too_long_a_time_is_wrong_usage(shell: Shell, hours: str) -> None:
    with pytest.raises(SystemExit) as caught:
        shell.run(f"bootstrap-ca --plan a --valid-for {hours}")

    assert caught.value.code == 2


def test_a_plan_is_executed_by_its_own_command(shell: Shell) -> None:
    approved(shell, "bootstrap-ca")

    assert shell.run(f"renew-root {EXECUTE}") == 1

    assert "error: plan.json is a plan for bootstrap\nhint: bootstrap-ca executes it\n" in shell.err


def test_another_digest_than_was_told_is_refused_before_anybody_is_asked(shell: Shell) -> None:
    assert shell.run("bootstrap-ca --plan plan.json") == 0

    assert shell.run(f"approve-ceremony plan.json --digest sha256:{'0' * 64}") == 1

    assert "error: this plan is sha256:" in shell.err
    assert not Path("approval.json").exists()


def test_who_asked_may_not_approve(shell: Shell) -> None:
    assert shell.run("bootstrap-ca --plan plan.json --operator alice") == 0
    digest = digest_of("plan.json")

    assert shell.run(f"approve-ceremony plan.json --digest {digest}", "alice", digest) == 1

    assert "error: alice asked for this ceremony and may not approve it" in shell.err
    assert not Path("approval.json").exists()


def test_no_answer_is_no_approval(shell: Shell) -> None:
    assert shell.run("bootstrap-ca --plan plan.json --operator alice") == 0

    assert shell.run(f"approve-ceremony plan.json --digest {digest_of('plan.json')}", "bob") == 2

    assert "no answer, standard input is at its end" in shell.err
    assert not Path("approval.json").exists()


def test_a_tampered_plan_is_refused(shell: Shell, account: Account) -> None:
    approved(shell, "bootstrap-ca")
    plan = Path("plan.json")
    plan.write_bytes(plan.read_bytes().replace(b'"requester":"alice"', b'"requester":"carol"'))

    assert shell.run(f"bootstrap-ca {EXECUTE}") == 1

    assert "error: the approval is of sha256:" in shell.err
    assert account.store().authorities() == ()


def test_a_missing_plan_is_named(shell: Shell) -> None:
    assert shell.run("bootstrap-ca --execute none.json --approval none.json") == 1
    assert "error: cannot read the plan none.json" in shell.err
