"""The log's lines."""

import io
import json
import logging

from local.edge.http import LogEntry
from local.edge.log import AccessLog, JsonFormatter
from tests.edge.support import NOW

ENTRY = LogEntry(
    request_id="JKJaXmPLvHcESHA=",
    time=NOW.timestamp(),
    source_ip="127.0.0.1",
    domain="api.dev.example.com",
    method="GET",
    path='/a"\nb',
    status=403,
    reason="expired",
    details={"subjectDN": "CN=device-001"},
)


def test_a_request_is_one_line_of_json() -> None:
    stream = io.StringIO()
    AccessLog(stream)(ENTRY)
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "time": "2026-03-12T19:03:58.000+00:00",
        "event": "request",
        "requestId": "JKJaXmPLvHcESHA=",
        "sourceIp": "127.0.0.1",
        "domain": "api.dev.example.com",
        "method": "GET",
        "path": '/a"\nb',
        "status": 403,
        "reason": "expired",
        "durationMs": 0,
        "subjectDN": "CN=device-001",
    }


def test_a_log_that_cannot_be_written_does_not_stop_an_answer() -> None:
    stream = io.StringIO()
    stream.close()
    AccessLog(stream)(ENTRY)


def test_a_notice_is_one_line_of_json_with_its_exception() -> None:
    raised = (RuntimeError, RuntimeError("a bug"), None)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed: %s", ("it",), raised)
    formatted = JsonFormatter().format(record)
    assert len(formatted.splitlines()) == 1
    notice = json.loads(formatted)
    assert (notice["event"], notice["level"], notice["message"]) == (
        "notice",
        "error",
        "failed: it",
    )
    assert "RuntimeError: a bug" in notice["exception"]
