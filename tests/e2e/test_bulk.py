"""A fleet's first certificates on the platform, in a run that is killed on its way."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clientcert import fingerprint
from local.story import Stage
from pki.bulk.run_file import RUN_FILE
from pki.keys import KeyType, classify, generate
from pki.profiles import client_name
from tests.support import REPOSITORY, Platform

pytestmark = pytest.mark.platform

MADE_HERE = (
    *(KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048),
    *(KeyType.EC_P256, KeyType.EC_P384, KeyType.EC_P256),
)
WITH_REQUEST = 6
LONGEST = 120
"""Seconds that a run may take before something is wrong."""


@dataclass(frozen=True)
class Fleet:
    """A CSV file, and the keys of those who keep their own."""

    folder: Path
    key_types: dict[str, KeyType]
    own_keys: dict[str, Path]

    @property
    def command(self) -> list[str]:
        return [
            *("provision-client", "--environment", "dev", "--csv", str(self.folder / "fleet.csv")),
            *("--output-dir", str(self.output), "--json"),
        ]

    @property
    def output(self) -> Path:
        return self.folder / "out"

    def device(self, name: str) -> Path:
        """The device's folder, as the platform's tests know one."""
        folder, certificates = self.folder / name, self.output / "certificates"
        folder.mkdir()
        (folder / "client.crt").write_bytes((certificates / f"{name}.crt").read_bytes())
        key = self.own_keys.get(name, certificates / f"{name}.key")
        (folder / "client.key").write_bytes(key.read_bytes())
        return folder

    def rows_written_down(self) -> int:
        """How many certificates the run has drafted, as its own memory tells."""
        path = self.output / RUN_FILE
        if not path.exists():
            return 0
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                (count,) = database.execute("SELECT count(*) FROM request").fetchone()
        except sqlite3.OperationalError:  # not made yet, or being written
            return 0
        return int(count)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Named anew each time: a platform that was kept knows the names of the last time."""
    lot = f"bulk-{token_hex(3)}"
    key_types = {f"{lot}-{number:02}": key_type for number, key_type in enumerate(MADE_HERE)}
    rows = [{"name": name, "key_type": str(key_type)} for name, key_type in key_types.items()]
    own_keys: dict[str, Path] = {}
    for number in range(len(MADE_HERE), len(MADE_HERE) + WITH_REQUEST):
        name = f"{lot}-{number:02}"
        key_types[name], own_keys[name] = KeyType.EC_P256, tmp_path / f"{name}.key"
        key = generate(KeyType.EC_P256)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        own_keys[name].write_bytes(pem)
        builder = x509.CertificateSigningRequestBuilder().subject_name(client_name(name))
        request = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
        (tmp_path / f"{name}.csr").write_bytes(request)
        rows.append({"name": name, "csr": f"{name}.csr"})
    with (tmp_path / "fleet.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("name", "csr", "key_type"))
        writer.writeheader()
        writer.writerows(rows)
    return Fleet(tmp_path, key_types, own_keys)


def kill_on_its_way(platform: Platform, fleet: Fleet) -> int:
    """Start the run, and kill it and all its processes once it has begun; its exit code."""
    with subprocess.Popen(
        fleet.command,
        cwd=REPOSITORY,
        env=platform.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            for _ in ticks(process):
                if fleet.rows_written_down():
                    break
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait(LONGEST)


def ticks(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A moment after the other, until the process has ended."""
    for _ in range(LONGEST * 200):
        try:
            process.wait(1 / 200)
        except subprocess.TimeoutExpired:
            yield
        else:
            return


def test_a_fleet_gets_its_certificates_once_although_the_run_was_killed(
    platform: Platform, stage: Stage, fleet: Fleet
) -> None:
    assert kill_on_its_way(platform, fleet) == -signal.SIGKILL
    assert fleet.rows_written_down() == len(fleet.key_types) == 12

    told = json.loads(platform.run(*fleet.command, timeout=LONGEST).stdout)

    assert (told["delivered"], told["refused"]) == (12, [])
    registry = stage.registry
    for name, key_type in fleet.key_types.items():
        device = fleet.device(name)
        certificate, *_ = x509.load_pem_x509_certificates((device / "client.crt").read_bytes())
        (record,) = registry.of_client(name)
        assert record.fingerprint == fingerprint(certificate.public_bytes(Encoding.DER))
        assert classify(certificate.public_key()) is key_type
        assert platform.token(device)
