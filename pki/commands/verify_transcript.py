"""``verify-transcript``: proof that a ceremony was held as its transcript says, and no other."""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key

from clientcert import fingerprint
from pki import console, files
from pki.aws import error_code
from pki.ca_store import CaStore
from pki.ceremony import cloudtrail, reconciliation
from pki.ceremony.cloudtrail import Evidence, SignEvent
from pki.ceremony.issuing_ca import IssuingCa
from pki.ceremony.reconciliation import Issued, Kind, Reconciliation
from pki.ceremony.transcript_store import TranscriptBucket, TranscriptFolder, TranscriptSource
from pki.ceremony.verification import Verdict, verify
from pki.console import Output, argument, command_parser, organization_of, timestamp
from pki.crl_bucket import PEM_SUFFIX, SIGNATURE_REQUEST_ID
from pki.errors import TranscriptError, UsageError
from pki.keys import PublicKey
from pki.organization import Organization
from pki.registry import Registry
from pki.sessions import NO_RETRIES, ceremony_session, reader_session
from pki.signer import KmsSigner

LOOKUP = "lookup"

_PATIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 20})
"""CloudTrail answers two requests a second."""

_DIGEST = re.compile(r"(sha256:)?([0-9a-f]{64})")
_MAXIMUM_KEY_BYTES = 10_000

_EXAMPLES = """\
  verify-transcript --all
  verify-transcript sha256:5e0c... --json
  verify-transcript --all --cloudtrail s3://example-cloudtrail-111111111111/AWSLogs/
  verify-transcript --all --from ./downloaded --public-key transcript.pem"""

_EXIT_CODES = """\
  0  each transcript is whole, and every signature and every object is accounted for
  1  one is not, or refused or failed; what was found is printed all the same
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "verify-transcript",
        "Prove the transcripts of ceremonies: no entry missing, changed or added, each signed by "
        "the\ntranscript key, the approval there, the certificates those of the plan, the objects "
        "locked.\n\nWith --all, hold every kms:Sign that CloudTrail shows in the security account "
        "against the\ntranscripts, the registries and the CRLs as well, and name each that has no "
        "object, and each\nobject whose signature CloudTrail does not show. CloudTrail may take "
        "15 minutes to show one.\n\nWith --from and --public-key no AWS is needed, and CloudTrail "
        "is not asked.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "digest",
        nargs="?",
        type=argument(parse_digest),
        metavar="DIGEST",
        help="digest of the plan whose transcript is meant",
    )
    what.add_argument("--all", action="store_true", help="every transcript, and CloudTrail")
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="DIR",
        help="a folder that the transcripts were downloaded to (default: their bucket)",
    )
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="the transcript key's public half, as PEM (default: KMS is asked for it)",
    )
    parser.add_argument(
        "--cloudtrail",
        action="append",
        metavar="SOURCE",
        help="where the events are: lookup (CloudTrail's last 90 days), a folder, or "
        "s3://bucket/prefix of its files; may be repeated (default: lookup)",
    )
    return parser


def parse_digest(text: str) -> str:
    """A plan's digest, with or without ``sha256:``.

    Raises:
        UsageError: anything else.
    """
    match = _DIGEST.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is no digest", hint="sha256: and 64 hexadecimal digits")
    return f"sha256:{match.group(2)}"


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Verify, print what was found, and fail when it is not all well."""
    offline = arguments.folder is not None and arguments.public_key is not None
    if arguments.cloudtrail and (offline or not arguments.all):
        raise UsageError(
            "--cloudtrail goes with --all, and with a registry to compare with",
            hint="leave --cloudtrail out, or --from and --public-key",
        )
    organization = organization_of(arguments)
    account = None if offline else _Account.of(organization, arguments.operator)
    source = _source(arguments.folder, account)
    key = _key(arguments.public_key, account)
    # Events first: what is signed meanwhile has its object by the time that objects are read.
    evidence = _evidence(account, arguments.cloudtrail) if arguments.all else []
    verdicts = _verify(source, key, arguments.digest)
    compared = _reconcile(account, verdicts, evidence) if arguments.all else None
    if arguments.all and compared is None:
        output.note("CloudTrail was not asked: without AWS there is no registry to compare with")
    _print(verdicts, compared, output, as_json=arguments.json)
    _judge(verdicts, compared)


@dataclass(frozen=True, slots=True)
class _Account:
    """The security account, and the way on from there."""

    organization: Organization
    session: boto3.Session
    operator: str

    @classmethod
    def of(cls, organization: Organization, operator: str) -> "_Account":
        ambient = boto3.Session(region_name=organization.region)
        return cls(organization, ceremony_session(ambient, organization, operator), operator)

    def transcript_key(self) -> PublicKey:
        kms = self.session.client("kms", config=NO_RETRIES)
        return KmsSigner(kms, self.organization.transcript_key_alias).public_key()

    def evidence(self, source: str) -> Evidence:
        if source == LOOKUP:
            client = self.session.client("cloudtrail", config=_PATIENT)
            return cloudtrail.look_up(client, console.now())
        if source.startswith("s3://"):
            return cloudtrail.read_bucket(self.session.client("s3"), source)
        return cloudtrail.read_folder(Path(source))

    def certificates(self) -> dict[str, str]:
        """Location of each CA certificate to its fingerprint."""
        store = CaStore(self.session.client("s3"), self.organization)
        return {
            store.location(entry): fingerprint(store.get(entry).public_bytes(Encoding.DER))
            for entry in store.authorities()
        }

    def aliases(self) -> dict[str, str]:
        """ARN of each key of ours to its alias; another keeper's key has none."""
        kms = self.session.client("kms")
        store = CaStore(self.session.client("s3"), self.organization)
        aliases = [entry.key_alias for entry in store.authorities()]
        found: dict[str, str] = {}
        for alias in (self.organization.transcript_key_alias, *aliases):
            try:
                found[kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]] = alias
            except ClientError as error:
                if error_code(error) != "NotFoundException":
                    raise
        return found

    def issuing_cas(self) -> tuple[IssuingCa, ...]:
        """Every issuing CA that there is or was."""
        store = CaStore(self.session.client("s3"), self.organization)
        return tuple(
            IssuingCa(authority, store.get(authority))
            for authority in store.authorities()
            if not authority.is_root
        )

    def registered(self, issuing_cas: Sequence[IssuingCa]) -> Iterator[Issued]:
        """Every client certificate of every environment that has, or had, an issuing CA.

        Another one may have no registry yet, and nothing was signed for it.
        """
        by_name = {(ca.authority.environment, ca.name): ca for ca in issuing_cas}
        signed_for = {ca.authority.environment for ca in issuing_cas}
        for environment in self.organization.environments:
            if environment.name not in signed_for:
                continue
            reader = reader_session(self.session, environment, self.operator)
            for stored in Registry(reader.client("dynamodb"), environment).records():
                record = stored.record
                name = f"{environment.name}/{record.client_id} {record.fingerprint}"
                ca = by_name.get((environment.name, record.issuer))
                key_id = ca.authority.key_alias if ca is not None and ca.issued(stored) else None
                request_id = stored.signature_request_id
                yield Issued(Kind.CERTIFICATE, name, key_id, request_id, record.issued_at)

    def revocation_lists(
        self, issuing_cas: Sequence[IssuingCa], since: datetime
    ) -> Iterator[Issued]:
        """Every version of every CRL since then; none where nothing is published.

        In DER alone: the copy in PEM was not signed again.
        """
        by_key = {ca.authority.crl_key: ca for ca in issuing_cas}
        s3, bucket = self.session.client("s3"), self.organization.crl_bucket
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        try:
            versions = [
                version
                for page in pages
                for version in page.get("Versions", [])
                if version["LastModified"] >= since and not version["Key"].endswith(PEM_SUFFIX)
            ]
        except ClientError as error:
            if error_code(error) == "NoSuchBucket":
                return
            raise
        for version in versions:
            key, version_id = version["Key"], version["VersionId"]
            found = s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)
            ca = by_key.get(key)
            signed = ca is not None and ca.listed(found["Body"].read())
            key_id = ca.authority.key_alias if ca is not None and signed else None
            request_id = found["Metadata"].get(SIGNATURE_REQUEST_ID)
            name = f"s3://{bucket}/{key}?versionId={version_id}"
            yield Issued(Kind.CRL, name, key_id, request_id, version["LastModified"])


def _source(folder: Path | None, account: _Account | None) -> TranscriptSource:
    if folder is not None:
        return TranscriptFolder(folder)
    if account is None:
        raise UsageError("there is no folder to read transcripts from")
    return TranscriptBucket(account.session.client("s3"), account.organization)


def _key(path: Path | None, account: _Account | None) -> PublicKey:
    if path is not None:
        return read_public_key(path)
    if account is None:
        raise UsageError("there is no public key to verify with")
    return account.transcript_key()


def read_public_key(path: Path) -> PublicKey:
    """Read the transcript key's public half.

    Raises:
        FileError: the file cannot be read.
        UsageError: it is no RSA or EC public key in PEM.
    """
    try:
        key = load_pem_public_key(files.read(path, "public key", at_most=_MAXIMUM_KEY_BYTES))
    except ValueError as error:
        raise UsageError(f"{path} is no public key in PEM") from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise UsageError(f"{path} is neither an RSA nor an EC key")
    return key


def _verify(source: TranscriptSource, key: PublicKey, digest: str | None) -> tuple[Verdict, ...]:
    known = source.digests()
    if digest is not None and digest not in known:
        raise TranscriptError(
            f"there is no transcript of {digest}",
            hint="a plan's digest is in its ceremony's output; --all verifies each there is",
        )
    if not known:
        raise TranscriptError("there is no transcript", hint="no ceremony was held, or all is gone")
    return tuple(
        verify(
            source.entries(entry),
            entry,
            key,
            console.now(),
            require_retention=source.is_locked_by_design,
        )
        for entry in ([digest] if digest is not None else known)
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    result: Reconciliation
    unrecorded: tuple[str, ...]
    aliases: dict[str, str]


def _evidence(account: _Account | None, sources: Sequence[str] | None) -> list[Evidence]:
    if account is None:
        return []
    return [account.evidence(source) for source in dict.fromkeys(sources or [LOOKUP])]


def _reconcile(
    account: _Account | None, verdicts: Sequence[Verdict], evidence: Sequence[Evidence]
) -> _Compared | None:
    if account is None:
        return None
    transcripts = [verdict.entries for verdict in verdicts]
    aliases = account.aliases()
    key = account.organization.transcript_key_alias
    issuing_cas = account.issuing_cas()
    issued = [
        *(entry for entries in transcripts for entry in reconciliation.issued_in(entries, key)),
        *account.registered(issuing_cas),
        *account.revocation_lists(issuing_cas, since=_start(evidence)),
    ]
    intents = [
        intent for entries in transcripts for intent in reconciliation.intents_in(entries, key)
    ]
    result = reconciliation.reconcile(
        evidence,
        issued,
        intents,
        account_id=account.organization.security_account_id,
        aliases=aliases,
        now=console.now(),
    )
    unrecorded = reconciliation.unrecorded(account.certificates(), transcripts)
    return _Compared(result, unrecorded, aliases)


def _start(evidence: Sequence[Evidence]) -> datetime:
    """The earliest time that events cover; a list is published moments after it is signed."""
    starts = [entry.period.start for entry in evidence if entry.period is not None]
    return min(starts, default=console.now())


def _judge(verdicts: Sequence[Verdict], compared: _Compared | None) -> None:
    """Fail unless all is well.

    Raises:
        TranscriptError: it is not; the message counts what is wrong.
    """
    # What was cut off an abandoned one, CloudTrail shows.
    broken = [
        verdict
        for verdict in verdicts
        if not verdict.is_whole and not (compared and verdict.is_abandoned(console.now()))
    ]
    wrong = {"transcripts that are not whole": len(broken)}
    if compared is not None:
        wrong |= {
            "signatures that nothing explains": len(compared.result.unexplained),
            "objects without their signature in CloudTrail": len(compared.result.missing),
            "CA certificates without a transcript": len(compared.unrecorded),
        }
    found = "; ".join(f"{count} {what}" for what, count in wrong.items() if count)
    if found:
        raise TranscriptError(
            f"not all is accounted for: {found}",
            hint="what is named above has to be explained by a person: docs/ca-bootstrap.md",
        )


def _print(
    verdicts: Sequence[Verdict], compared: _Compared | None, output: Output, *, as_json: bool
) -> None:
    if as_json:
        described = None if compared is None else _describe(compared)
        output.result({"transcripts": [*map(_transcript, verdicts)], "cloudtrail": described})
        return
    output.table(
        ("transcript", "operation", "approved by", "entries", "outcome", "verdict"),
        [_row(verdict) for verdict in verdicts],
    )
    for verdict in verdicts:
        for finding in verdict.findings:
            where = f"{verdict.plan_digest[7:19]} {finding.where or ''}".strip()
            output.warning(f"{where}: {finding.problem}: {finding.message}")
    if compared is not None:
        _print_comparison(compared, output)


def _row(verdict: Verdict) -> tuple[str, ...]:
    operation = "-" if verdict.plan is None else verdict.plan.operation.value
    findings = len(verdict.findings)
    return (
        verdict.plan_digest[7:19],
        operation,
        verdict.approver or "-",
        str(len(verdict.entries)),
        verdict.outcome,
        "whole" if verdict.is_whole else f"{findings} finding{'s' if findings > 1 else ''}",
    )


def _print_comparison(compared: _Compared, output: Output) -> None:
    result = compared.result
    output.table(
        ("signatures in CloudTrail", "count"),
        [
            ("with their object", str(result.matched)),
            ("explained by an interrupted run", str(len(result.interrupted))),
            ("unexplained", str(len(result.unexplained))),
            ("refused by KMS", str(len(result.refused))),
            ("not shown yet (up to 15 minutes)", str(len(result.pending))),
            ("not shown, though they should be", str(len(result.missing))),
            ("outside of the time covered", str(len(result.uncovered))),
            ("objects that name no signature", str(len(result.untraced))),
        ],
    )
    for event, intent in result.interrupted:
        output.note(f"interrupted: {_words(event, compared)}: announced in {intent.name}")
    for event in result.unexplained:
        output.warning(f"unexplained: {_words(event, compared)}")
    for entry in result.missing:
        output.warning(f"missing: {entry.kind} {entry.name}: request {entry.request_id}")
    for location in compared.unrecorded:
        output.warning(f"no transcript has the CA certificate {location}")


def _words(event: SignEvent, compared: _Compared) -> str:
    key = compared.aliases.get(event.key_arn or "", event.key_arn or event.key_id)
    return f"event {event.event_id} at {timestamp(event.at)}: {event.principal} signed with {key}"


def _transcript(verdict: Verdict) -> dict[str, object]:
    return {
        "plan": verdict.plan_digest,
        "operation": None if verdict.plan is None else verdict.plan.operation.value,
        "requester": None if verdict.plan is None else verdict.plan.requester,
        "approver": verdict.approver,
        "entries": len(verdict.entries),
        "outcome": verdict.outcome,
        "whole": verdict.is_whole,
        "abandoned": verdict.is_abandoned(console.now()),
        "findings": [
            {"problem": entry.problem.value, "entry": entry.where, "message": entry.message}
            for entry in verdict.findings
        ],
    }


def _describe(compared: _Compared) -> dict[str, object]:
    result = compared.result

    def event(entry: SignEvent) -> dict[str, object]:
        return {
            "event_id": entry.event_id,
            "request_id": entry.request_id,
            "time": timestamp(entry.at),
            "principal": entry.principal,
            "key": compared.aliases.get(entry.key_arn or "", entry.key_arn or entry.key_id),
            "key_arn": entry.key_arn,
            "error": entry.error,
        }

    def issued(entry: Issued) -> dict[str, object]:
        return {
            "kind": entry.kind.value,
            "name": entry.name,
            "request_id": entry.request_id,
            "time": timestamp(entry.at),
        }

    return {
        "complete": result.is_complete and not compared.unrecorded,
        "matched": result.matched,
        "interrupted": [
            event(entry) | {"announced_in": intent.name} for entry, intent in result.interrupted
        ],
        "unexplained": [*map(event, result.unexplained)],
        "refused": [*map(event, result.refused)],
        "missing": [*map(issued, result.missing)],
        "pending": [*map(issued, result.pending)],
        "uncovered": len(result.uncovered),
        "untraced": [*map(issued, result.untraced)],
        "ca_certificates_without_transcript": list(compared.unrecorded),
    }
