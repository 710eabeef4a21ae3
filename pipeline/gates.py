"""The gates that a change passes, each a function of what it says: no code of it has to run.

The static gates read ``live/`` and ``modules/``; they come before any init, since that already
downloads what a change names. The gate over plans comes after them. All of their findings go
through the one register of waivers.
"""

import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline import configuration, policy, rules, scanning
from pipeline.git import Git
from pipeline.hcl import TOOL, Parser
from pipeline.model import Finding
from pipeline.modules import FOLDER as MODULES
from pipeline.policy import Opa
from pipeline.scanning import Scan, Scanner
from pipeline.waivers import CHECKOV, Register
from tools import install
from tools.paths import ROOT

__all__ = ["TOOLS", "Gates", "StaticScope"]

TOOLS = (TOOL, "opa")
"""What the gates need on PATH (`tools.install.ensure`)."""


@dataclass(frozen=True, slots=True)
class StaticScope:
    """What the static gates look at.

    Attributes:
        scopes: which units; None for all.
        modules: which modules of this working tree are scanned; None for all.
        dockerfiles: which Dockerfiles.
        base: the commit that the change is seen from; empty for none.
        releases: whether pins are followed to their releases; a clone may have no tags.
        scanned: whether checkov is asked.
    """

    scopes: frozenset[str] | None = None
    modules: frozenset[str] | None = None
    dockerfiles: frozenset[str] = frozenset()
    base: str = ""
    releases: bool = True
    scanned: bool = True

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self.scopes is None and self.modules is None


@dataclass(frozen=True)
class Gates:
    """The gates over a checkout.

    Attributes:
        root: the checkout.
        environ: the environment of the programs, with the tools in it.
        opa: how OPA is run.
        register: the waivers of today.
        scanner: checkov; made when it is first needed if None.
    """

    root: Path
    environ: Mapping[str, str]
    opa: Opa
    register: Register
    scanner: Scanner | None = None

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> "Gates":
        """The gates of a checkout.

        Args:
            environ: the environment; the tools are looked for, or built, when it lacks them.
            root: the checkout.

        Raises:
            ToolsError: a tool is missing and cannot be had.
        """
        found = install.ensure(TOOLS, environ=environ)
        policies = root / "policies"
        return cls(root, found, Opa(found, policies), Register.load(policies / "waivers.yaml"))

    @cached_property
    def known(self) -> dict[str, bool]:
        """The rules in Rego and those of the gates themselves, and whether each may be waived."""
        own = (*scanning.RULES,)
        return rules.waivable(rules.policy_rules(self.opa)) | {rule.id: False for rule in own}

    def static(self, scope: StaticScope) -> tuple[Finding, ...]:
        """Judge ``live/``, the modules at their pins, and the source of modules.

        Raises:
            PipelineError: a gate could not be asked, which is no permission.
        """
        with ThreadPoolExecutor(max_workers=3) as pool:
            known = pool.submit(lambda: self.known)
            scan = pool.submit(self._scan, scope)
            live = self._live(scope)
            found, ids = scan.result(), dict(known.result())
        ids |= dict.fromkeys(found.ids, True)
        judged: set[str] = set()
        if scope.is_everything:
            judged = {rule for rule in ids if rule.startswith(CHECKOV)} | {
                rule.id for rule in rules.policy_rules(self.opa) if rule.package.startswith("live.")
            }
        return self.register.apply((*live, *found.findings), ids, judged=judged)

    def scan(self, scope: StaticScope) -> tuple[Finding, ...]:
        """Judge the source of modules and Dockerfiles alone.

        Raises:
            PipelineError: checkov could not be asked, which is no permission.
        """
        with ThreadPoolExecutor(max_workers=2) as pool:
            known = pool.submit(lambda: self.known)
            found = self._scan(scope)
        return self.register.apply(found.findings, known.result() | dict.fromkeys(found.ids, True))

    def plans(self, inputs: Mapping[str, Path]) -> tuple[Finding, ...]:
        """Judge plans: path of a unit to the file of its plan document.

        Raises:
            PipelineError: a plan has no answer.
        """
        return self.register.apply(policy.evaluate_plans(inputs, opa=self.opa), self.known)

    def _live(self, scope: StaticScope) -> tuple[Finding, ...]:
        document = configuration.read(
            self.root,
            Parser(self.environ),
            scopes=scope.scopes,
            modules=self._modules(scope),
            base=scope.base,
            releases=scope.releases,
            environ=self.environ,
        )
        return policy.evaluate_live(document, self.opa)

    def _scan(self, scope: StaticScope) -> Scan:
        modules = self._modules(scope)
        if not scope.scanned or (not modules and not scope.dockerfiles):
            return Scan((), frozenset())
        scanner = self.scanner or Scanner.here(self.environ, self.root)
        return scanner.scan(modules, scope.dockerfiles)

    def _modules(self, scope: StaticScope) -> frozenset[str]:
        if scope.modules is not None:
            return scope.modules
        return frozenset(file.parent.name for file in self.root.glob(f"{MODULES}/*/*.tf"))


def everything(git: Git) -> StaticScope:
    """All of a checkout."""
    files = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return StaticScope(dockerfiles=_dockerfiles(git.root, files))


def of_files(
    root: Path, files: Collection[str], *, scopes: Iterable[str] | None = None, base: str = ""
) -> StaticScope:
    """What the static gates look at when some files differ.

    Args:
        root: the checkout.
        files: relative to it; they may be gone.
        scopes: which units; None for all.
        base: the commit that the change is seen from.
    """
    return StaticScope(
        scopes=None if scopes is None else frozenset(scopes),
        modules=frozenset(_modules(root, files)),
        dockerfiles=_dockerfiles(root, files),
        base=base,
    )


def is_dockerfile(file: str) -> bool:
    """Whether a file is called as Dockerfiles are."""
    return Path(file).name == "Dockerfile" or file.endswith(".Dockerfile")


def _dockerfiles(root: Path, files: Iterable[str]) -> frozenset[str]:
    return frozenset(file for file in files if is_dockerfile(file) and (root / file).is_file())


def _modules(root: Path, files: Iterable[str]) -> Iterable[str]:
    for file in files:
        parts = file.split("/")
        if len(parts) > 2 and parts[0] == MODULES and (root / MODULES / parts[1]).is_dir():
            yield parts[1]
