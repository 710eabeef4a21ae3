"""Reading the control plane over its wire, and calling functions."""

import logging
import threading
from collections.abc import Iterator

import pytest
from boto3.session import Session

from local.edge.configuration import Configuration
from local.edge.control_plane import Clients, ControlPlane, LambdaInvoker
from local.edge.errors import ControlPlaneError, UnreachableError
from local.edge.invoke import (
    FunctionFailedError,
    InvokeTimeoutError,
    InvokeUnavailableError,
)
from local.edge.model import (
    Api,
    ApiMapping,
    Authorization,
    Authorizer,
    AuthorizerKind,
    Domain,
    FunctionRef,
    Integration,
    Route,
    Stage,
    Throttle,
)
from pki.gateway.truststore import InvalidTruststore, Truststore
from tests.edge.emulator import Answer, Emulator, configure
from tests.edge.support import ACCOUNT, HOST, NOW, REGION, function_ref, issue

ROOT = issue("Root", ca=True)
OTHER = "333333333333"


@pytest.fixture(scope="module")
def session() -> Session:
    """One for all: reading boto3's service models is most of what a client costs."""
    return Session()


@pytest.fixture
def clients(emulator: Emulator, session: Session) -> Clients:
    return Clients(emulator.url, REGION, session)


@pytest.fixture
def control_plane(emulator: Emulator, clients: Clients) -> ControlPlane:
    configure(emulator, ROOT.pem)
    return ControlPlane(clients, [ACCOUNT, OTHER], lambda: NOW)


def test_everything_is_read(control_plane: ControlPlane) -> None:
    read = control_plane.load()
    trust = read.domains[HOST].client_trust
    assert isinstance(trust, Truststore)
    assert trust.certificates == (ROOT.certificate,)
    assert read.domains == {
        HOST: Domain(HOST, ACCOUNT, trust, (ApiMapping("", "abc123", "$default"),))
    }
    assert read.apis == {
        "abc123": Api(
            id="abc123",
            account=ACCOUNT,
            region=REGION,
            default_endpoint_disabled=True,
            stages={
                "$default": Stage(
                    "$default",
                    {"colour": "blue"},
                    Throttle(100.0, 50),
                    {"POST /token": Throttle(10_000.0, 5)},
                )
            },
            routes=(
                Route("POST /token", Authorization.NONE, None, "int1"),
                Route("GET /whoami", Authorization.CUSTOM, "auth1", "int1"),
            ),
            integrations={
                "int1": Integration("int1", "AWS_PROXY", function_ref("backend"), 29.0, "2.0")
            },
            authorizers={
                "auth1": Authorizer(
                    "auth1",
                    AuthorizerKind.REQUEST,
                    function_ref("authorizer"),
                    ("$request.header.Authorization",),
                    0,
                    "2.0",
                    simple_responses=True,
                )
            },
        )
    }


def test_all_pages_are_read(emulator: Emulator, control_plane: ControlPlane) -> None:
    emulator.page_size = 1
    assert len(control_plane.load().apis["abc123"].routes) == 2


def test_an_unchanged_truststore_is_the_same_object(control_plane: ControlPlane) -> None:
    first = control_plane.load().domains[HOST].client_trust
    assert control_plane.load().domains[HOST].client_trust is first


def mutual_tls(emulator: Emulator, **settings: str) -> None:
    emulator.put("domainnames", {"domainName": HOST, "mutualTlsAuthentication": settings})


def test_a_domain_without_mutual_tls_has_no_trust(
    emulator: Emulator, control_plane: ControlPlane
) -> None:
    emulator.put("domainnames", {"domainName": HOST})
    assert control_plane.load().domains[HOST].client_trust is None


def test_an_overwritten_truststore_is_not_used_until_the_domain_is_updated(
    emulator: Emulator, control_plane: ControlPlane
) -> None:
    before = control_plane.load().domains[HOST].client_trust
    emulator.put_object("bucket/truststore.pem", issue("New", ca=True).pem, "v2")
    assert control_plane.load().domains[HOST].client_trust is before
    mutual_tls(emulator, truststoreUri="s3://bucket/truststore.pem", truststoreVersion="v2")
    trust = control_plane.load().domains[HOST].client_trust
    assert isinstance(trust, Truststore)
    assert trust.source == "s3://bucket/truststore.pem version v2"


def test_a_version_that_is_not_there_refuses_with_one_line_in_the_log(
    emulator: Emulator, control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    mutual_tls(emulator, truststoreUri="s3://bucket/truststore.pem", truststoreVersion="v9")
    for _ in range(3):
        trust = control_plane.load().domains[HOST].client_trust
        assert isinstance(trust, InvalidTruststore)
    assert len(caplog.messages) == 1
    assert "every client is refused: S3 answers NoSuchVersion" in caplog.messages[0]


def test_a_domain_in_two_accounts_is_served_in_neither(
    emulator: Emulator, control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.put("domainnames", {"domainName": HOST}, account=OTHER)
    control_plane.load()
    assert control_plane.load().domains == {}
    assert caplog.messages == [f"domain {HOST} exists in several accounts: not served"]


def test_the_users_own_aws_settings_do_not_matter(
    emulator: Emulator, control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OTHER)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    alone = ControlPlane(Clients(emulator.url, REGION), [ACCOUNT], lambda: NOW)
    assert HOST in alone.load().domains


def test_an_account_given_twice_is_read_once(
    emulator: Emulator, control_plane: ControlPlane, clients: Clients
) -> None:
    assert HOST in ControlPlane(clients, [ACCOUNT, ACCOUNT], lambda: NOW).load().domains


def test_an_account_sees_its_own_apis_only(emulator: Emulator, control_plane: ControlPlane) -> None:
    emulator.put("apis", {"apiId": "theirs", "protocolType": "HTTP"}, account=OTHER)
    apis = control_plane.load().apis
    assert {api.id: api.account for api in apis.values()} == {"abc123": ACCOUNT, "theirs": OTHER}


def test_an_emulator_that_is_not_running_is_one_clear_error(session: Session) -> None:
    clients = Clients("http://127.0.0.1:1", REGION, session)
    with pytest.raises(
        UnreachableError, match=r"does not answer at http://127\.0\.0\.1:1"
    ) as error:
        ControlPlane(clients, [ACCOUNT], lambda: NOW).load()
    assert error.value.hint is not None


@pytest.mark.parametrize(
    "answer",
    [Answer(500, b"oops"), Answer(200, b"no JSON"), Answer(200, b'{"items": [{}]}')],
    ids=["error", "no-json", "no-name"],
)
def test_an_unusable_answer_is_an_error(
    emulator: Emulator, control_plane: ControlPlane, answer: Answer
) -> None:
    emulator.failing = answer
    with pytest.raises(ControlPlaneError):
        control_plane.load()


def test_an_outage_keeps_the_last_known_configuration(
    emulator: Emulator, control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = Configuration(control_plane.load, 60)
    before = configuration()
    emulator.failing = Answer(503, b"")
    configuration.refresh()
    configuration.refresh()
    assert configuration() is before
    emulator.failing = None
    configuration.refresh()
    assert configuration() == before
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "serving the last known configuration" in caplog.messages[0]
    assert caplog.messages[1] == "the control plane can be read again"


@pytest.fixture
def invoke(clients: Clients) -> LambdaInvoker:
    return LambdaInvoker(clients)


def test_a_function_gets_the_event_and_its_result_comes_back(
    emulator: Emulator, invoke: LambdaInvoker
) -> None:
    configure(emulator, ROOT.pem)
    assert invoke(function_ref("backend"), {"a": "é"}, 10.0) == {"a": "é"}


def test_a_qualifier_is_part_of_the_call(emulator: Emulator, invoke: LambdaInvoker) -> None:
    emulator.functions["backend"] = lambda _event: Answer(body=b"1")
    assert invoke(FunctionRef(ACCOUNT, REGION, "backend", "live"), {}, 10.0) == 1


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (Answer(200, b"{}", {"X-Amz-Function-Error": "Unhandled"}), FunctionFailedError,
         "function_error"),
        (Answer(404, b"{}", {"x-amzn-errortype": "ResourceNotFoundException"}),
         FunctionFailedError, "function_cannot_be_invoked"),
        (Answer(429, b"{}", {"x-amzn-errortype": "TooManyRequestsException"}),
         InvokeUnavailableError, "function_throttled"),
        (Answer(200, b"no JSON"), FunctionFailedError, "function_answered_no_json"),
    ],
)  # fmt: skip
def test_a_call_without_a_result_says_why(
    emulator: Emulator, invoke: LambdaInvoker, answer: Answer, error: type[Exception], reason: str
) -> None:
    emulator.functions["backend"] = lambda _event: answer
    with pytest.raises(error, match=reason):
        invoke(function_ref("backend"), {}, 10.0)


@pytest.fixture
def never(emulator: Emulator) -> Iterator[None]:
    """A function that does not answer before the test has ended."""
    ended = threading.Event()

    def wait(_event: dict[str, object]) -> Answer:
        ended.wait(20)
        return Answer(body=b"1")

    emulator.functions["backend"] = wait
    yield
    ended.set()


@pytest.mark.usefixtures("never")
def test_a_call_ends_with_its_time_limit(invoke: LambdaInvoker) -> None:
    with pytest.raises(InvokeTimeoutError):
        invoke(function_ref("backend"), {}, 0.2)


def test_a_call_to_an_emulator_that_is_gone_is_unavailable(session: Session) -> None:
    invoke = LambdaInvoker(Clients("http://127.0.0.1:1", REGION, session))
    with pytest.raises(InvokeUnavailableError):
        invoke(function_ref("backend"), {}, 1.0)
