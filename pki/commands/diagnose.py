"""``diagnose``: which check refuses a certificate, or a certificate and a token, and what to do."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from mtls_authorizer.jwks import fetcher
from pki import console, files, pem
from pki.commands.access import Access
from pki.console import Output, argument, command_parser, timestamp
from pki.diagnosis.facts import Facts, Sources, gather
from pki.diagnosis.replay import Finding, Presented, refused_by, replay
from pki.domain import DomainName
from pki.errors import DiagnosisError, FileError, UsageError
from pki.keys import PublicKey
from pki.registry import Registry
from pki.truststore import MAXIMUM_BUNDLE_BYTES
from pki.truststore_bucket import TruststoreBucket

_MAXIMUM_BYTES = 64 * 1024
_PASSPHRASE_VARIABLE = "CLIENT_KEY_PASSPHRASE"  # noqa: S105 - a variable's name

_EXAMPLES = """\
  diagnose client.crt --environment dev
  diagnose client.crt --key client.key --environment dev --token-file token.txt
  diagnose client.crt --environment dev --save-facts dev.json
  diagnose client.crt --facts dev.json --token-file - < token.txt
  diagnose client.crt --truststore truststore.pem"""

_EXIT_CODES = """\
  0  no check that was made refuses
  1  a check refuses, or the facts to judge by cannot be had
  2  wrong usage"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return console.run(build_parser(), execute, argv)


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = command_parser(
        "diagnose",
        "Replay what API Gateway and the functions check, on a certificate and perhaps a token: "
        "say which\ncheck refuses, and what to do. Nothing is called and nothing is changed.\n\n"
        "The facts to judge by come from an environment, from a file of facts that somebody saved "
        "there\n(it holds no secret), or are a truststore alone.",
        examples=_EXAMPLES,
        exit_codes=_EXIT_CODES,
    )
    parser.add_argument(
        "certificate", type=Path, metavar="CERTIFICATE", help="PEM; of a chain, the first one"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--environment", metavar="ENV", help="judge by this environment, now")
    where.add_argument(
        "--facts", type=Path, metavar="FILE", help="judge by facts saved before: offline"
    )
    where.add_argument(
        "--truststore", type=Path, metavar="FILE", help="judge by a truststore alone: offline"
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="the private key, to see whether it belongs to the certificate; an encrypted one is "
        f"opened with ${_PASSPHRASE_VARIABLE}",
    )
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="the access token, in a file or - for standard input; it is never shown",
    )
    parser.add_argument(
        "--route",
        metavar="KEY",
        help="the call's route key, such as 'GET /whoami' (default: the first that needs a token)",
    )
    parser.add_argument(
        "--at",
        type=argument(_parse_moment),
        metavar="TIME",
        help="judge as of this moment, ISO 8601 (default: now)",
    )
    parser.add_argument(
        "--save-facts",
        type=Path,
        metavar="FILE",
        help="with --environment: keep what was judged by, to replay it elsewhere",
    )
    return parser


def execute(arguments: argparse.Namespace, output: Output) -> None:
    """Replay the checks, print what each says, and refuse where one refuses."""
    if arguments.save_facts and not arguments.environment:
        raise UsageError("--save-facts goes with --environment only")
    if arguments.truststore and (arguments.token_file or arguments.route):
        raise UsageError("--truststore alone says nothing of tokens", hint="use --facts")
    presented = Presented(
        certificate=_certificate(arguments.certificate),
        key=None if arguments.key is None else _public_key(arguments.key),
        token=None if arguments.token_file is None else _token(arguments.token_file),
        route=arguments.route,
    )
    facts = _facts(arguments, presented)
    truststore = None
    if arguments.truststore is not None:
        truststore = files.read(arguments.truststore, "truststore", at_most=MAXIMUM_BUNDLE_BYTES)
    findings = replay(presented, facts, truststore, arguments.at or console.now())
    _show(arguments, presented, facts, findings, output)
    refusal = refused_by(findings)
    if refusal is not None:
        raise DiagnosisError(
            f"refused by {refusal.check}: {refusal.reason}: {refusal.detail}", hint=refusal.remedy
        )


def _facts(arguments: argparse.Namespace, presented: Presented) -> Facts | None:
    if arguments.facts is not None:
        return Facts.read(arguments.facts)
    if arguments.environment is None:
        return None
    access = Access.take(arguments)
    environment, reader = access.environment, access.reader()
    name = access.organization.api_domain_name(environment)
    pool = urllib3.PoolManager()
    sources = Sources(
        environment=environment,
        domain=DomainName(reader.client("apigatewayv2"), name),
        bucket=TruststoreBucket(reader.client("s3"), environment),
        registry=Registry(reader.client("dynamodb"), environment),
        lambda_client=reader.client("lambda"),
        fetch=lambda url: fetcher(pool, url)(),
        environ=os.environ,
        now=console.now,
    )
    facts = gather(sources, presented.fingerprint, _common_name(presented.certificate))
    if arguments.save_facts is not None:
        facts.write(arguments.save_facts)
    return facts


def _certificate(path: Path) -> x509.Certificate:
    content = files.read(path, "certificate", at_most=_MAXIMUM_BYTES)
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except pem.MALFORMED as error:
        der = "; this is DER" if content[:1] == b"\x30" else ""
        raise FileError(
            f"{path} is no PEM certificate{der}",
            hint="export it: openssl x509 -inform DER -in FILE -out client.crt",
        ) from error


def _common_name(certificate: x509.Certificate) -> str | None:
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except pem.MALFORMED:
        return None
    return str(names[0].value) if names else None


def _public_key(path: Path) -> PublicKey:
    content = files.read(path, "private key", at_most=_MAXIMUM_BYTES)
    passphrase = os.environ.get(_PASSPHRASE_VARIABLE)
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except (*pem.MALFORMED, TypeError) as error:
        raise FileError(
            f"{path} is no PEM private key that can be opened",
            hint=f"an encrypted one is opened with ${_PASSPHRASE_VARIABLE}",
        ) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise FileError(f"{path} is neither an RSA nor an EC key")
    return key.public_key()


def _token(source: str) -> str:
    if source == "-":
        return sys.stdin.read(_MAXIMUM_BYTES).strip()
    content = files.read(Path(source), "token", at_most=_MAXIMUM_BYTES)
    return content.decode("utf-8", "replace").strip()


def _parse_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time", hint="such as 2026-12-31T12:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _show(
    arguments: argparse.Namespace,
    presented: Presented,
    facts: Facts | None,
    findings: Sequence[Finding],
    output: Output,
) -> None:
    certificate = presented.certificate
    refusal = refused_by(tuple(findings))
    document = {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial_number": str(certificate.serial_number),
        "fingerprint": presented.fingerprint,
        "not_before": timestamp(certificate.not_valid_before_utc),
        "not_after": timestamp(certificate.not_valid_after_utc),
        "environment": None if facts is None else facts.environment,
        "facts_taken_at": None if facts is None else timestamp(facts.taken_at),
        "refused_by": None if refusal is None else refusal.check.value,
        "reason": None if refusal is None else refusal.reason,
    }
    if arguments.json:
        output.result(document | {"checks": [asdict(finding) for finding in findings]})
        return
    output.result(document)
    output.table(
        ("check", "verdict", "what it says"),
        [(entry.check, entry.verdict, _said(entry)) for entry in findings],
    )


def _said(finding: Finding) -> str:
    return finding.detail if finding.reason is None else f"{finding.reason}: {finding.detail}"
