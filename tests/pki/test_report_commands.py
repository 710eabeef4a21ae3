"""list-clients, show-client and expiry-report as a person types them, against moto's cloud."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from clientcert import RevocationReason
from pki import console
from pki.commands import expiry_report, list_clients, show_client
from tests.pki.support import Cloud, Shell, client_record, establish, pem_of, register

type Main = Callable[[Sequence[str] | None], int]

MAINS: dict[str, Main] = {
    "expiry-report": expiry_report.main,
    "list-clients": list_clients.main,
    "show-client": show_client.main,
}
DAY = timedelta(days=1)
OLD, NEW, OTHER = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def shell(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A fleet of three: device-001 renewed its first, and sensor-001's ends in ten days."""
    monkeypatch.chdir(cloud.live_dir.parent)
    now, registry = console.now().replace(microsecond=0), cloud.registry()
    validity = {"not_before": now - DAY, "issued_at": now - DAY}
    issuer = "CN=example dev Issuing CA G1,O=example"
    register(
        registry,
        client_record(OLD, not_after=now + 30 * DAY, issuer=issuer, serial_number="17", **validity),
    )
    register(
        registry,
        client_record(
            NEW,
            not_after=now + 300 * DAY,
            issuer="CN=example dev Issuing CA G2,O=example",
            renewed_from=OLD,
            serial_number="18",
            not_before=now - DAY,
            issued_at=now,
        ),
        retire_at=now + 2 * DAY,
    )
    register(
        registry,
        client_record(
            OTHER, client_id="sensor-001", not_after=now + 10 * DAY, issuer=issuer, **validity
        ),
    )
    return Shell(capsys, MAINS, "--environment", "dev")


def listed(shell: Shell, options: str) -> list[str]:
    found = shell.json(f"list-clients {options}")["certificates"]
    return [entry["fingerprint"] for entry in found]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("", [OLD, NEW, OTHER]),
        ("--expiring-within 20 --generation g1", [OLD, OTHER]),
        ("--status usable --status revoked --name device-001", [OLD, NEW]),
    ],
)
def test_clients_are_listed_by_name_and_filters(
    shell: Shell, options: str, found: list[str]
) -> None:
    assert listed(shell, options) == found


def test_a_revoked_certificate_is_listed_as_that(shell: Shell, cloud: Cloud) -> None:
    cloud.registry().revoke(OTHER, RevocationReason.KEY_COMPROMISE, console.now())
    assert listed(shell, "--status revoked") == [OTHER]


def test_a_list_for_people_is_a_line_a_certificate_cut_by_no_edge(shell: Shell) -> None:
    assert shell.run("list-clients") == 0
    head, *lines = shell.out.splitlines()
    assert head.split()[:2] == ["name", "status"]
    assert [line.split()[-1] for line in lines] == [OLD, NEW, OTHER]
    assert "3 of 3 certificates" in shell.err


def test_control_characters_in_a_name_do_not_reach_the_terminal(shell: Shell, cloud: Cloud) -> None:
    register(cloud.registry(), client_record("d" * 64, client_id="x\x1b[2Jy"))
    assert shell.run("list-clients") == 0
    assert "\x1b" not in shell.out
    assert r"x\x1b[2Jy" in shell.out


def test_a_client_is_shown_with_what_came_of_each_certificate(shell: Shell) -> None:
    shown = shell.json("show-client device-001")
    assert shown["usable_now"] == [OLD, NEW]
    assert shown["scopes"] == ["api/read"]
    assert [
        (entry["fingerprint"], entry["renewals_before"], entry["next"])
        for entry in shown["certificates"]
    ] == [
        (OLD, 0, "nothing: its renewal is there; the device should use that one"),
        (NEW, 1, "nothing yet"),
    ]


@pytest.mark.parametrize("option", [f"--fingerprint {NEW}", "--serial 0x12"])
def test_a_certificate_shows_its_whole_client(shell: Shell, option: str) -> None:
    assert len(shell.json(f"show-client {option}")["certificates"]) == 2


def test_a_lineage_is_drawn(shell: Shell) -> None:
    assert shell.run("show-client device-001") == 0
    first, second = shell.out.splitlines()[:2]
    assert first.startswith(f"{OLD[:16]} usable, until ")
    assert second.startswith(f"\u2514\u2500 {NEW[:16]} usable, until ")


@pytest.mark.parametrize("option", ["device-009", f"--fingerprint {'e' * 64}"])
def test_an_unknown_client_is_an_error(shell: Shell, option: str) -> None:
    assert shell.run(f"show-client {option}") == 1
    assert "error: " in shell.err
    assert "hint: " in shell.err


def test_a_report_tells_what_it_could_not_read(shell: Shell) -> None:
    document = shell.json("expiry-report")
    assert [item["name"] for item in document["items"]] == [
        "device-001",
        "sensor-001",
        "device-001",
    ]
    assert [item["renewed"] for item in document["items"]] == [True, False, False]
    assert len(document["notes"]) == 2
    assert "warning: the pinned truststore could not be read: " in shell.err


def test_a_report_holds_authorities_truststore_and_server(shell: Shell, cloud: Cloud) -> None:
    establish(cloud, now=console.now())
    store, bucket = cloud.store(), cloud.truststore()
    certificates = [store.get(store.newest_issuing("dev", None)), store.get(*store.roots())]
    stored = bucket.store(pem_of(*certificates), None)
    arn = cloud.workload("acm").request_certificate(DomainName="api.dev.example.com")
    cloud.workload("apigatewayv2").create_domain_name(
        DomainName="api.dev.example.com",
        DomainNameConfigurations=[
            {"CertificateArn": arn["CertificateArn"], "EndpointType": "REGIONAL"}
        ],
        MutualTlsAuthentication={
            "TruststoreUri": bucket.uri,
            "TruststoreVersion": stored.version,
        },
    )

    document = shell.json("expiry-report")

    kinds = sorted(item["kind"] for item in document["items"] if item["kind"] != "leaf")
    assert kinds == ["issuing-ca", "root-ca", "server", "truststore", "truststore"]
    assert document["notes"] == []


def test_a_page_is_written_to_a_file(shell: Shell, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert shell.run(f"expiry-report --format html --output {page}") == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert "sensor-001" in page.read_text("utf-8")
    assert (shell.out, page.stat().st_mode & 0o777) == ("", 0o644)


def test_a_page_goes_to_standard_output_otherwise(shell: Shell) -> None:
    assert shell.run("expiry-report --format html") == 0
    assert shell.out.startswith("<!doctype html>")
    assert shell.out.endswith("</html>\n")


def test_a_table_names_what_is_urgent(shell: Shell) -> None:
    assert shell.run("expiry-report") == 0
    assert "under 14 days  client" in shell.out
    assert "note: 1 under 14 days" in shell.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--format html --json", "--json goes with --format json only"),
        ("--output report.html", "--output goes with --format json or html"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    shell: Shell, options: str, told: str
) -> None:
    assert shell.run(f"expiry-report {options}") == 2
    assert told in shell.err
