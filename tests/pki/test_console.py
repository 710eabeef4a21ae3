import argparse
import json
from collections.abc import Callable

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
)

from pki.console import Output, command_parser, describe_aws_error, run
from pki.errors import PkiError, UsageError


def client_error(code: str, operation: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def run_with(execute: Callable[[argparse.Namespace, Output], None], *argv: str) -> int:
    parser = command_parser("command", "Does.", examples="  command", exit_codes="  0  done")
    return run(parser, execute, list(argv))


def raising(error: BaseException) -> Callable[[argparse.Namespace, Output], None]:
    def execute(arguments: argparse.Namespace, output: Output) -> None:
        raise error

    return execute


def test_an_error_is_words_and_a_hint_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run_with(raising(PkiError("it broke", hint="mend it")))

    captured = capsys.readouterr()
    assert code == 1
    assert captured.out == ""
    assert captured.err == "error: it broke\nhint: mend it\n"


def test_markup_in_a_message_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    run_with(raising(PkiError("[bold]refused[/bold] [order] :smile:")))

    assert capsys.readouterr().err == "error: [bold]refused[/bold] [order] :smile:\n"


def test_a_long_message_is_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    run_with(raising(PkiError("word " * 100 + "end")))

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PkiError("x"), 1),
        (UsageError("x"), 2),
        (NoCredentialsError(), 1),
        (client_error("AccessDenied", "AssumeRole"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_failure_has_its_exit_code(error: BaseException, code: int) -> None:
    assert run_with(raising(error)) == code


def test_success_is_exit_code_0() -> None:
    assert run_with(lambda arguments, output: None) == 0


def test_a_defect_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_with(raising(ZeroDivisionError()))


def test_an_unknown_option_is_exit_code_2() -> None:
    with pytest.raises(SystemExit) as caught:
        run_with(lambda arguments, output: None, "--nonsense")

    assert caught.value.code == 2


def test_json_is_the_only_thing_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    def execute(arguments: argparse.Namespace, output: Output) -> None:
        output.step("one")
        output.note("two")
        output.warning("three")
        output.result({"path": "[x]/" + "long/" * 100, "none": None, "list": [{"a": True}]})

    run_with(execute, "--json")

    captured = capsys.readouterr()
    assert json.loads(captured.out)["list"] == [{"a": True}]
    assert captured.err == "✓ one\nnote: two\nwarning: three\n"


def test_a_result_reads_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    def execute(arguments: argparse.Namespace, output: Output) -> None:
        output.result(
            {
                "client_id": "device-001",
                "resumed": False,
                "scopes": ["a", "b"],
                "none": None,
                "empty": [],
                "files": {"key": "k"},
                "certificates": [{"subject": "CN=a", "days": 1}],
            }
        )

    run_with(execute)

    assert capsys.readouterr().out.splitlines() == [
        "client id     device-001",
        "resumed       no",
        "scopes        a, b",
        "none          -",
        "empty         -",
        "files:",
        "  key  k",
        "certificates:",
        "- subject  CN=a",
        "  days     1",
    ]


def test_an_emulator_that_does_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/")

    assert describe_aws_error(error) == ("cannot reach http://127.0.0.1:4566", "run make up")


def test_aws_out_of_reach_is_not_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    error = EndpointConnectionError(endpoint_url="https://sts.eu-west-1.amazonaws.com/")

    message, hint = describe_aws_error(error)

    assert message.startswith("cannot reach AWS: ")
    assert hint == "check the network, the region and a proxy"


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (NoCredentialsError(), "no AWS credentials", "aws sso login"),
        (client_error("AccessDenied", "AssumeRole"), "AssumeRole: AccessDenied: no", "ceremony"),
        (client_error("AccessDeniedException", "Sign"), "refused Sign", r"pki/README\.md"),
        (client_error("ExpiredToken", "GetObject"), "ExpiredToken", "sign in again"),
        (client_error("InvalidClientTokenId", "AssumeRole"), "InvalidClient", "AWS_PROFILE"),
    ],
)
def test_what_aws_refuses_comes_with_what_to_do(
    error: BotoCoreError | ClientError, message: str, hint: str
) -> None:
    said, advice = describe_aws_error(error)

    assert message in said
    assert advice is not None
    assert hint.replace("\\", "") in advice
