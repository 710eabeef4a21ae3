"""What became of a bulk run, as data: all of it in a file, the rest for whoever waits for it."""

import json
from pathlib import Path
from typing import Any

from pki import files
from pki.bulk.issuance import CHAIN, Bulk, Delivered, Outcome
from pki.bulk.requests import Refusal
from pki.packaging import Format

RESULT = "result.json"


def write_result(bulk: Bulk, outcome: Outcome) -> Path:
    """Write who got what, and who was refused and why, to ``<output-dir>/result.json``.

    Raises:
        FileError: it cannot be written.
    """
    document = {
        "environment": bulk.environment.name,
        "issuer": bulk.issuer.certificate.subject.rfc4514_string(),
        "stopped": outcome.stopped,
        "delivered": [_delivered(bulk, entry) for entry in outcome.delivered],
        "refused": [describe_refusal(entry) for entry in outcome.refusals],
    }
    path = bulk.folder / RESULT
    files.write_atomically(path, json.dumps(document, indent=2).encode(), files.PUBLIC)
    return path


def describe_outcome(bulk: Bulk, outcome: Outcome, result: Path) -> dict[str, Any]:
    """The numbers, the refusals, and where the rest is."""
    return {
        "environment": bulk.environment.name,
        "issuer": bulk.issuer.certificate.subject.rfc4514_string(),
        "delivered": len(outcome.delivered),
        "delivered_by_this_run": outcome.new,
        "refused": [describe_refusal(entry) for entry in outcome.refusals],
        "stopped": outcome.stopped,
        "files": {
            "certificates": str(bulk.certificate_file("x").parent),
            "chain": str(bulk.folder / CHAIN),
            "result": str(result),
        },
    }


def describe_refusal(refusal: Refusal) -> dict[str, Any]:
    """One request that got nothing."""
    return {
        "origin": refusal.origin,
        "client_id": refusal.client_id,
        "reason": refusal.reason,
        "hint": refusal.hint,
    }


def _delivered(bulk: Bulk, entry: Delivered) -> dict[str, Any]:
    record, path = entry.record, bulk.certificate_file(entry.record.client_id)
    key = bundle = None
    if bulk.packaging.format is Format.PKCS12:
        bundle = str(path.with_suffix(".p12").relative_to(bulk.folder))
    elif entry.key_made:
        key = str(path.with_suffix(".key").relative_to(bulk.folder))
    return {
        "origin": entry.origin,
        "client_id": record.client_id,
        "fingerprint": record.fingerprint,
        "serial_number": record.serial_number,
        "not_after": record.to_item()["not_after"]["S"],
        "certificate": str(path.relative_to(bulk.folder)),
        "private_key": key,
        "pkcs12": bundle,
    }
