"""HCL as JSON, by the parser that Terraform and Terragrunt use themselves (``hcl2json``).

An expression comes as text in ``${...}``: nothing is evaluated, so nothing of a change runs.

https://github.com/tmccombs/hcl2json
"""

import json
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import CommandFailedError

TOOL = "hcl2json"

_TIMEOUT = 60
_PLACE = re.compile(r"\bSTDIN:(\d+),")


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be read.

    Attributes:
        file: relative to the repository.
        line: 0 when the whole file is meant.
        message: why.
    """

    file: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of some files.

    Attributes:
        documents: by file.
        problems: the files that have no document.
    """

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Parser:
    """Reads HCL, several files at once.

    Attributes:
        environ: the environment in which ``hcl2json`` is found (`tools.install.ensure`).
        workers: how many at once.
    """

    environ: Mapping[str, str]
    workers: int = 4

    def parse(self, texts: Mapping[str, str]) -> Parsed:
        """Parse files.

        Args:
            texts: what each file holds.

        Raises:
            CommandFailedError: the parser does not run; a file that it refuses is a problem.
        """
        with ThreadPoolExecutor(max_workers=self.workers) as pool:
            found = list(pool.map(self._parse, texts, texts.values()))
        documents: dict[str, dict[str, Any]] = {}
        problems: list[Problem] = []
        for file, outcome in zip(texts, found, strict=True):
            if isinstance(outcome, Problem):
                problems.append(outcome)
            else:
                documents[file] = outcome
        return Parsed(documents, tuple(problems))

    def _parse(self, file: str, text: str) -> dict[str, Any] | Problem:
        try:
            done = subprocess.run(
                [TOOL, "-"],
                env=dict(self.environ),
                input=text.encode("utf-8", errors="surrogateescape"),
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
            )
        except FileNotFoundError as error:
            raise CommandFailedError(f"{TOOL} is not on PATH", hint="run this by make") from error
        except subprocess.TimeoutExpired:
            return Problem(file, 0, f"{TOOL} did not end within {_TIMEOUT} s")
        if done.returncode != 0:
            message = done.stderr.decode("utf-8", errors="replace").strip()
            place = _PLACE.search(message)
            last = max(1, len(text.splitlines()))  # the parser may mean the line after it
            return Problem(file, min(int(place[1]), last) if place else 0, _bare(message))
        try:
            document = json.loads(done.stdout)
        except ValueError as error:
            return Problem(file, 0, f"{TOOL} wrote no JSON: {error}")
        if not isinstance(document, dict):
            return Problem(file, 0, f"{TOOL} wrote no object")
        return document


def _bare(message: str) -> str:
    """The parser's own words, without where it read them from."""
    found = re.search(r"\[STDIN:[^ ]+ (.*)\]$", message.splitlines()[0] if message else "")
    return found[1] if found else message or "it could not be parsed"
