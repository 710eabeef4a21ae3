"""The measurement of issuance does what it measures; how fast is nobody's test."""

from datetime import UTC, datetime

from rich.console import Console

from tools.bench.issuance import bulk_run, measure, openssl


def test_contestants_are_measured_side_by_side_and_what_they_issued_verifies() -> None:
    rates = list(
        measure(
            {"openssl": openssl, "bulk run": bulk_run},
            certificates=3,
            rounds=1,
            console=Console(quiet=True),
            now=datetime.now(UTC),
        )
    )

    assert {rate.key_type for rate in rates} == {"ec-p256", "rsa-2048"}
    assert {rate.contestant for rate in rates} == {"openssl", "bulk run"}
    assert all(rate.certificates_per_second > 0 for rate in rates)
    assert all(rate.ratio == 1 for rate in rates if rate.contestant == "openssl")
