import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.pem import Block, PemError, parse_pem


def as_pem(label: str, der: bytes, *, width: int = 64, newline: str = "\n") -> str:
    body = base64.b64encode(der).decode()
    lines = [body[start : start + width] for start in range(0, len(body), width)]
    return newline.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


@given(
    st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 80),
)
def test_what_was_written_is_read(bodies: list[bytes], newline: str, width: int) -> None:
    text = "".join(as_pem("X", body, width=width, newline=newline) for body in bodies)

    assert [block.der for block in parse_pem(text.encode())] == bodies


def test_a_block_knows_its_label_and_line() -> None:
    text = "\n\n" + as_pem("CERTIFICATE", b"one")

    assert list(parse_pem(text.encode())) == [Block("CERTIFICATE", b"one", 3)]


@given(st.binary(max_size=500))
def test_arbitrary_bytes_are_pem_or_an_error(data: bytes) -> None:
    try:
        blocks = list(parse_pem(data))
    except PemError:
        return
    assert blocks


@given(st.integers(1, 60))
def test_a_truncated_block_is_an_error(cut: int) -> None:
    text = as_pem("CERTIFICATE", bytes(200)).rstrip()

    with pytest.raises(PemError):
        list(parse_pem(text[:-cut].encode()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-----BEGIN A-----\nAAAA\n-----END B-----\n", "has no end"),
        ("-----BEGIN A-----\nAAAA\n-----BEGIN A-----\nAAAA\n-----END A-----\n", "has no end"),
        ("-----BEGIN A-----\n-----END A-----\n", "is empty"),
        ("-----BEGIN A-----\nAAA\n-----END A-----\n", "is not base64"),
        ("Subject: CN=x\n-----BEGIN A-----\nAAAA\n-----END A-----\n", "line 1 is neither"),
        ("-----BEGIN A-----\nAAAA\n-----END A-----\nx\n", "line 4 is neither"),
    ],
)
def test_loose_text_is_an_error(text: str, message: str) -> None:
    with pytest.raises(PemError, match=message):
        list(parse_pem(text.encode()))
