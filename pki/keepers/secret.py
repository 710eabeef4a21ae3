"""Passphrases and PINs: from a variable, from a file that a variable names, or from the keyboard.

Never from an argument, which every process on the machine can read, and never in a message.
"""

import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pki.errors import FileError, KeyKeeperError

type Ask = Callable[[str], str]
"""Shows a prompt and returns what was typed, unseen."""

SHORTEST_NEW_SECRET = 20
"""Characters of a new passphrase: it is the keys' only protection from whoever reads the storage.

PKCS#8 as cryptography writes it stretches a passphrase by 2,048 rounds of PBKDF2: a guessable one
would be guessed.
"""


def ask_at_the_terminal(prompt: str) -> str:
    """Ask the person at the keyboard.

    Raises:
        KeyKeeperError: nobody is there.
    """
    if not sys.stdin.isatty():
        raise KeyKeeperError("there is no terminal to ask at")
    return getpass.getpass(prompt)


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where one passphrase or PIN comes from, looked up when it is needed.

    Attributes:
        variable: the environment variable that holds it; with ``_FILE`` appended, the one that
            names a file that holds it.
        what: what it is, for the prompt and for messages.
        environ: the environment.
        ask: asks a person; None never asks.
    """

    variable: str
    what: str
    environ: Mapping[str, str] = field(repr=False)
    ask: Ask | None = field(default=None, repr=False)

    def read(self) -> str:
        """The secret.

        Raises:
            KeyKeeperError: it is nowhere, or empty, or in two places.
            FileError: the file that holds it cannot be read.
        """
        given = self._given()
        return self._typed(f"{self.what}: ") if given is None else given

    def read_new(self) -> str:
        """The secret that will protect a new key: typed twice when it is typed.

        Raises:
            KeyKeeperError: as :meth:`read`; or it is short, or was typed in two ways.
            FileError: the file that holds it cannot be read.
        """
        secret = self._given()
        if secret is None:
            secret = self._typed(f"new {self.what}: ")
            if secret != self._typed(f"new {self.what}, again: "):
                raise KeyKeeperError("the two were not the same", hint="run it again")
        if len(secret) < SHORTEST_NEW_SECRET:
            raise KeyKeeperError(
                f"the {self.what} is shorter than {SHORTEST_NEW_SECRET} characters",
                hint="let a machine choose it: openssl rand -base64 24",
            )
        return secret

    def _given(self) -> str | None:
        value = self.environ.get(self.variable)
        file = self.environ.get(self._file_variable)
        if value and file:
            raise KeyKeeperError(
                f"{self.variable} and {self._file_variable} are both set", hint="unset one of them"
            )
        return self._from_file(Path(file)) if file else value or None

    def _from_file(self, path: Path) -> str:
        try:
            secret = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            # Without the cause: a decoding error would carry the file's content along.
            raise FileError(f"{self._file_variable}: cannot read {path}: {reason}") from None
        if not secret:
            raise KeyKeeperError(f"{self._file_variable}: {path} is empty")
        return secret

    def _typed(self, prompt: str) -> str:
        try:
            secret = self.ask(prompt) if self.ask else ""
        except (EOFError, KeyKeeperError):
            secret = ""
        if not secret:
            raise KeyKeeperError(
                f"the {self.what} is missing",
                hint=f"set {self.variable}, or {self._file_variable} to a file that holds it, "
                "or run this at a terminal",
            )
        return secret

    @property
    def _file_variable(self) -> str:
        return f"{self.variable}_FILE"
