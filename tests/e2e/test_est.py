"""EST through the edge with other people's tools: curl and openssl, as RFC 7030 shows them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import Platform

pytestmark = pytest.mark.platform

NAME = "est-curl"


@dataclass(frozen=True)
class Curl:
    """curl, with a device's certificate."""

    platform: Platform
    device: Path

    def __call__(self, path: str, *options: str | Path) -> tuple[int, str, str]:
        """HTTP status, media type and body."""
        endpoint = self.platform.endpoint
        target = f"{endpoint.host}:{endpoint.address.partition(':')[2]}"
        command = [
            *("curl", "--silent", "--show-error", "--resolve", f"{target}:127.0.0.1"),
            *("--cacert", endpoint.server_ca, "--cert", self.device / "client.crt"),
            *("--key", self.device / "client.key", "--write-out", "\n%{http_code} %{content_type}"),
            *(*options, f"https://{target}/.well-known/est/{path}"),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        body, _, told = done.stdout.rpartition("\n")
        status, _, media_type = told.partition(" ")
        return int(status), media_type, body

    def reenroll(self, request: Path) -> tuple[int, str, str]:
        """As section 4.2.2: base64 with its line ends, and the header that RFC 8951 took back."""
        return self(
            "simplereenroll",
            *("--data-binary", f"@{request}"),
            *("--header", "Content-Type: application/pkcs10"),
            *("--header", "Content-Transfer-Encoding: base64"),
        )


@pytest.fixture(scope="module")
def curl(platform: Platform) -> Curl:
    clients = platform.state_dir / "clients"
    platform.run(
        *("provision-client", NAME, "--environment", "dev", "--generate-key", "--days", "20"),
        *("--additional", "--force", "--output-dir", str(clients)),
    )
    return Curl(platform, clients / NAME)


def openssl(*arguments: str | Path, text: str | None = None) -> str:
    return subprocess.run(
        ["openssl", *arguments], input=text, check=True, capture_output=True, text=True
    ).stdout


def make_request(folder: Path, name: str = NAME) -> Path:
    request, encoded = folder / "next.csr", folder / "next.b64"
    openssl(
        *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
        *("-keyout", folder / "next.key", "-subj", f"/CN={name}"),
        *("-outform", "DER", "-out", request),
    )
    openssl("base64", "-in", request, "-out", encoded)
    return encoded


def certificates(body: str, folder: Path) -> str:
    """What openssl reads in an answer, as PEM."""
    (folder / "answer.b64").write_text(body)
    openssl("base64", "-d", "-in", folder / "answer.b64", "-out", folder / "answer.p7")
    return openssl("pkcs7", "-inform", "DER", "-in", folder / "answer.p7", "-print_certs")


def test_a_device_renews_against_the_cas_that_est_tells(curl: Curl, tmp_path: Path) -> None:
    told = curl("cacerts")
    answer = curl.reenroll(make_request(tmp_path))

    expected = (200, "application/pkcs7-mime; smime-type=certs-only")
    assert (told[:2], answer[:2]) == (expected, expected)
    chain, renewed = tmp_path / "chain.pem", tmp_path / "next.crt"
    chain.write_text(certificates(told[2], tmp_path))
    renewed.write_text(certificates(answer[2], tmp_path))
    openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", chain, renewed)
    public = openssl("pkey", "-in", tmp_path / "next.key", "-pubout")
    assert openssl("x509", "-in", renewed, "-noout", "-pubkey") == public


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("est-other", 400, "subject must be the current certificate's: CN=est-curl"),
        (NAME, 409, "renewed already"),
    ],
)
def test_a_refusal_is_a_sentence_for_people(
    curl: Curl, tmp_path: Path, name: str, status: int, sentence: str
) -> None:
    curl.reenroll(make_request(tmp_path))  # whichever test comes first: it is renewed now

    answered, media_type, body = curl.reenroll(make_request(tmp_path, name))

    assert (answered, media_type) == (status, "text/plain; charset=utf-8")
    assert sentence in body


def test_a_certificate_far_from_its_end_is_told_when_to_come_back(
    platform: Platform, tmp_path: Path
) -> None:
    device = platform.provision("est-early")

    status, _, body = Curl(platform, device).reenroll(make_request(tmp_path, "est-early"))

    assert status == 403
    assert "may be renewed from 20" in body
