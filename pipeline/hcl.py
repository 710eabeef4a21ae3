"""HCL as JSON, by the parser that Terraform and Terragrunt use themselves (``hcl2json``).

An expression comes as text in ``${...}``: nothing is evaluated, so nothing of a change runs.

Of a key that stands twice in one pair of braces the JSON has one value, and of a block nothing
where an attribute has its name; Terraform and Terragrunt evaluate both. Such a file is refused:
what is not in its JSON would be judged by nobody.

https://github.com/tmccombs/hcl2json
https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import CommandFailedError

TOOL = "hcl2json"

_TIMEOUT = 60
_PLACE = re.compile(r"\bSTDIN:(\d+),")
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r]+ | /\*.*?\*/ )
  | (?P<newline>\n | (?:\#|//)[^\n]*(?:\n|\Z) )
  | (?P<heredoc><<-?(?P<marker>[^\W\d][\w-]*)\r?\n)
  | (?P<word>[\w][\w.-]*)
  | (?P<quote>")
  | (?P<sign>==|=>|!=|<=|>=|::|&&|\|\||\.\.\.|.)
    """,
    re.VERBOSE | re.DOTALL,
)


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
        hidden = next(_hidden(text), None)
        return Problem(file, *hidden) if hidden else document


def _bare(message: str) -> str:
    """The parser's own words, without where it read them from."""
    found = re.search(r"\[STDIN:[^ ]+ (.*)\]$", message.splitlines()[0] if message else "")
    return found[1] if found else message or "it could not be parsed"


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, sign, newline or template of HCL; comments and spaces are none.

    Attributes:
        kind: the group of `_TOKEN` that it is.
        text: as it stands, quotes and all.
        line: where.
        start: the same, as an offset.
        inner: the expressions within a template.
    """

    kind: str
    text: str
    line: int
    start: int
    inner: tuple[tuple["_Token", ...], ...] = ()


class _UnclearError(Exception):
    """The text is not taken apart as its parser would."""


@dataclass(slots=True)
class _Lexer:
    text: str
    at: int = 0

    def expression(self, *, inside: bool) -> Iterator[_Token]:
        """The tokens up to the text's end, or to the brace that ends an expression inside one."""
        depth = 0
        while self.at < len(self.text):
            start = self.at
            found = _TOKEN.match(self.text, start)
            if not found:  # everything is matched, if only as a sign
                raise _UnclearError(self._line(start))
            kind = found.lastgroup or ""
            self.at = found.end()
            inner: tuple[tuple[_Token, ...], ...] = ()
            if kind == "quote":
                inner = tuple(self._template())
            elif found["heredoc"]:
                kind = "quote"
                inner = tuple(self._heredoc(found["marker"]))
            elif inside and found[0] == "}" and depth == 0:
                return
            depth += {"{": 1, "}": -1}.get(found[0], 0)
            if kind != "space":
                yield _Token(kind, self.text[start : self.at], self._line(start), start, inner)
        if inside:
            raise _UnclearError(self._line(self.at))

    def _template(self) -> Iterator[tuple[_Token, ...]]:
        while self.at < len(self.text):
            sign = self.text[self.at]
            if sign == "\\":
                self.at += 2
            elif sign == '"':
                self.at += 1
                return
            else:
                yield from self._part()
        raise _UnclearError(self._line(self.at))

    def _heredoc(self, marker: str) -> Iterator[tuple[_Token, ...]]:
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            line = self.text[self.at : end if end >= 0 else len(self.text)]
            if line.strip() == marker:
                self.at += len(line)
                return
            end = self.at + len(line)
            while self.at < end:
                yield from self._part()
                if self.at > end:  # an expression over several lines: its last line goes on
                    end = self.text.find("\n", self.at)
                    end = end if end >= 0 else len(self.text)
            self.at = end + 1
        raise _UnclearError(self._line(self.at))

    def _part(self) -> Iterator[tuple[_Token, ...]]:
        """One sign of a template, or the expression that begins there."""
        found = re.compile(r"(\$+|%+)\{").match(self.text, self.at)
        if not found:
            self.at += 1
            return
        self.at = found.end()
        if len(found[1]) == 1:
            yield tuple(self.expression(inside=True))
        elif len(found[1]) > 2:  # escaped or not: who reads it has to think as well
            raise _UnclearError(self._line(found.start()))

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1


@dataclass(slots=True)
class _Braces:
    """What was seen so far in one pair of braces, or of other brackets.

    Attributes:
        sign: which; empty for the file itself.
        is_body: whether it holds blocks, or the entries of an object.
        begins: whether the next token begins an entry.
        is_block: whether the entry is a block: its braces hold a body.
        kinds: by name, whether it is an attribute.
    """

    sign: str
    is_body: bool
    begins: bool = True
    is_block: bool = False
    kinds: dict[str, bool] = field(default_factory=dict)


def _hidden(text: str) -> Iterator[tuple[int, str]]:
    """What the JSON lacks: each with its line."""
    try:
        yield from _doubles(text, tuple(_Lexer(text).expression(inside=False)), is_body=True)
    except _UnclearError as error:
        yield int(error.args[0]), "where its texts end is not clear"


def _doubles(text: str, tokens: tuple[_Token, ...], *, is_body: bool) -> Iterator[tuple[int, str]]:
    """The names that stand twice in the same braces."""
    around = [_Braces("" if is_body else "(", is_body)]
    for index, token in enumerate(tokens):
        for inner in token.inner:
            yield from _doubles(text, inner, is_body=False)
        here = around[-1]
        if token.kind == "newline" or (token.text == "," and not here.is_body):
            here.begins = True
            continue
        if here.begins and here.sign in {"", "{"}:
            here.begins = here.is_block = False
            if token.text == "for" and not here.is_body and not here.kinds:
                here.sign = "for"
            else:
                yield from _entry(here, _name(text, tokens, index))
        if token.text in {"{", "[", "("}:
            around.append(_Braces(token.text, token.text == "{" and here.is_body and here.is_block))
        elif token.text in {"}", "]", ")"} and len(around) > 1:
            around.pop()


def _entry(here: _Braces, name: tuple[_Token, str, str]) -> Iterator[tuple[int, str]]:
    token, key, after = name
    is_attribute = after in {"=", ":"}
    here.is_block = here.is_body and not is_attribute
    if not is_attribute and not here.is_block:
        return
    if "\\" in key:
        yield token.line, f"the key {key} is spelled with an escape"
    if key in here.kinds and (is_attribute or here.kinds[key]):
        yield token.line, f"{key} stands twice in the same braces, and the rules see one of them"
    here.kinds[key] = is_attribute


def _name(text: str, tokens: tuple[_Token, ...], index: int) -> tuple[_Token, str, str]:
    """The token that begins an entry, the name as the JSON has it, and what follows that."""
    token = tokens[index]
    end, depth = index + 1, int(token.text == "(")
    while depth and end < len(tokens):
        depth += {"(": 1, ")": -1}.get(tokens[end].text, 0)
        end += 1
    following = tokens[end] if end < len(tokens) else None
    key = text[token.start : following.start if following else len(text)].strip()
    if token.text == "(":
        key = f"${{{key}}}"
    elif token.kind == "quote":
        key = token.text.removeprefix('"').removesuffix('"')
    elif token.kind == "word":
        key = token.text
    return token, key, following.text if following else ""
