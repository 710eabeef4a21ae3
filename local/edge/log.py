"""The edge's log: JSON, one object a line, for requests and for everything else.

Never in it: header values, queries, bodies, tokens.
"""

import datetime as dt
import json
import logging
import threading
from contextlib import suppress
from typing import TextIO

from local.edge.http import LogEntry


def timestamp(seconds: float) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds")


class AccessLog:
    """Writes one line per request or refused handshake."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, entry: LogEntry) -> None:
        """Write an entry; what it does not know is left out."""
        fields = {
            "time": timestamp(entry.time),
            "event": "request" if entry.method else "connection",
            "requestId": entry.request_id,
            "sourceIp": entry.source_ip,
            "domain": entry.domain,
            "tls": entry.tls,
            "method": entry.method,
            "path": entry.path,
            "status": entry.status,
            "reason": entry.reason,
            "durationMs": entry.duration_ms,
            **entry.details,
        }
        line = json.dumps({key: value for key, value in fields.items() if value is not None})
        # A full disk or a closed pipe costs the line, never the answer to the client.
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()


class JsonFormatter(logging.Formatter):
    """Formats the records of ``logging`` as the same kind of line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = {
            "time": timestamp(record.created),
            "event": "notice",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)
