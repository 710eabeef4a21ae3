"""``upload-truststore``: the environment's CAs, linted, uploaded, pinned."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import fingerprint
from pki import console, files
from pki.ca_store import CaStore
from pki.commands.access import Access
from pki.console import Output, argument, command_parser
from pki.errors import UsageError
from pki.organization import parse_generation
from pki.registry import Registry
from pki.truststore import (
    MAXIMUM_BUNDLE_BYTES,
    Finding,
    Severity,
    lint,
    read_bundle,
)
from pki.truststore_bucket import Pin, TruststoreBucket
from pki.truststore_upload import (
    Distrust,
    check,
    distrusted_names,
    draft,
    require_no_error,
    require_nobody_stranded,
    upload,
)

_EXAMPLES = """\
  upload-truststore --environment dev --pin-file live/non-prod/eu-west-1/dev/truststore.json
  upload-truststore --environment dev --include g1 --include g2
  upload-truststore --environment dev --distrust g1 --reason 'key of g1 was used by a stranger'
  upload-truststore --environment dev --check live/non-prod/eu-west-1/dev/truststore.json
  upload-truststore --lint truststore.pem"""

_LONGEST_REASON = 200

_EXIT_CODES = """\
  0  the bucket holds the bundle and the pin is written (--check: the pin is right;
     --lint: no error)
  1  refused or failed
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "upload-truststore",
        "Put together an environment's truststore (its issuing CAs, then the root), lint it, and "
        "upload it\nto the environment's versioned bucket. The same bundle again makes no new "
        "version.\n\nUploading changes nothing for callers: a domain name reads the version that "
        "it pins. The pin file\nis that fact; its change is reviewed and applied.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--environment", metavar="ENV", help="the environment to upload for")
    what.add_argument(
        "--lint", type=Path, metavar="FILE", help="only lint a bundle; nothing is asked of AWS"
    )
    pin = parser.add_mutually_exclusive_group()
    pin.add_argument(
        "--pin-file",
        type=Path,
        metavar="FILE",
        help='write {"version", "sha256"} of the current version there',
    )
    pin.add_argument(
        "--check",
        type=Path,
        metavar="FILE",
        help="upload nothing: check that this pin file names the bucket's current version, and "
        "that it is the bundle of the environment's CAs",
    )
    parser.add_argument(
        "--include",
        action="append",
        type=argument(parse_generation),
        metavar="gN",
        help="only the issuing CAs of this generation; may be repeated (default: those of the "
        "current truststore and what is newer)",
    )
    add_distrust(parser)
    return parser


def add_distrust(parser: argparse.ArgumentParser) -> None:
    """The options that take out a compromised CA."""
    parser.add_argument(
        "--distrust",
        type=argument(parse_generation),
        metavar="gN",
        help="this generation's issuing CA is compromised: leave it out for good, although "
        "clients still use its certificates",
    )
    parser.add_argument(
        "--reason", type=argument(parse_reason), metavar="TEXT", help="with --distrust: why"
    )


def parse_reason(text: str) -> str:
    """A reason for the record, which S3 keeps beside the object.

    Raises:
        UsageError: it is empty, long, or more than printable ASCII.
    """
    if not (text.isascii() and text.isprintable() and 1 <= len(text) <= _LONGEST_REASON):
        raise UsageError(f"a reason has 1 to {_LONGEST_REASON} printable ASCII characters")
    return text


def distrust_of(arguments: argparse.Namespace) -> Distrust | None:
    """What ``--distrust`` and ``--reason`` say.

    Raises:
        UsageError: one is there without the other.
    """
    if (arguments.distrust is None) != (arguments.reason is None):
        raise UsageError("--distrust and --reason go together")
    return arguments.distrust and Distrust(arguments.distrust, arguments.reason)


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Lint, check or upload, and print what the bundle is."""
    if arguments.lint is not None:
        _lint(arguments, output)
        return
    expected = None if arguments.check is None else Pin.read(arguments.check)
    access = Access.take(arguments)
    environment, writer = access.environment, access.writer()
    store = CaStore(access.ceremony.client("s3"), access.organization)
    bucket = TruststoreBucket(writer.client("s3"), environment)
    drafted = draft(store, bucket, environment.name, arguments.include, distrust_of(arguments))
    bundle = drafted.bundle
    if expected is not None:
        check(bucket, bundle, expected)
        output.result(_describe(environment.name, bucket, expected, bundle) | {"uploaded": False})
        return
    now = console.now()
    registry = Registry(writer.client("dynamodb"), environment)
    require_nobody_stranded(
        bundle,
        (stored.record for stored in registry.records()),
        now,
        distrusted_names(store, environment.name, drafted.distrusted),
    )
    done = upload(bucket, drafted, now, output)
    _warn(done.findings, output)
    if not done.uploaded:
        output.note("the bundle is unchanged: no new version was made")
    if arguments.pin_file is not None:
        done.pin.write(arguments.pin_file)
        output.step(f"wrote {arguments.pin_file}")
    output.result(
        _describe(environment.name, bucket, done.pin, bundle) | {"uploaded": done.uploaded}
    )


def _lint(arguments: argparse.Namespace, output: Output) -> None:
    if arguments.pin_file or arguments.check or arguments.include or arguments.distrust:
        raise UsageError("--lint takes no --pin-file, --check, --include or --distrust")
    bundle = files.read(arguments.lint, "bundle", at_most=MAXIMUM_BUNDLE_BYTES)
    findings = lint(bundle, console.now())
    if arguments.json:
        output.result({"findings": [asdict(finding) for finding in findings]})
    _warn(findings, output)
    require_no_error(findings, str(arguments.lint))
    if not arguments.json:
        output.result({"file": str(arguments.lint), "certificates": _certificates(bundle)})


def _describe(
    environment: str, bucket: TruststoreBucket, pin: Pin, bundle: bytes
) -> dict[str, object]:
    return {
        "environment": environment,
        "location": bucket.uri,
        "version": pin.version,
        "sha256": pin.sha256,
        "certificates": _certificates(bundle),
    }


def _certificates(bundle: bytes) -> list[dict[str, object]]:
    return [
        {
            "subject": certificate.subject.rfc4514_string(),
            "fingerprint": fingerprint(certificate.public_bytes(Encoding.DER)),
            "not_after": console.timestamp(certificate.not_valid_after_utc),
        }
        for certificate in read_bundle(bundle)
    ]


def _warn(findings: Sequence[Finding], output: Output) -> None:
    for finding in findings:
        if finding.severity is Severity.WARNING:
            output.warning(f"{finding.message} [{finding.rule}]")
