"""``python -m pipeline approval``: what the reviewers of a run's environment approved."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from pipeline.approval import approval_of, require_current
from pipeline.errors import PipelineError
from pipeline.github import GitHub, require
from pipeline.model import PlanSet
from pipeline.planning import PLAN_SET
from tools.paths import BUILD

ABOUT = "read on GitHub who approved a scope's plans in this run, and write the approval"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--environment",
        metavar="SCOPE",
        required=True,
        help="an environment, or <account>/<folder>, which the account's environment guards",
    )
    parser.add_argument(
        "--plans",
        metavar="DIR",
        type=Path,
        default=BUILD / "plans",
        help="where plan wrote the sets (build/plans); the set itself is enough, without plans",
    )
    parser.add_argument(
        "--destroy", action="store_true", help="the set that destroys what is gone, or everything"
    )
    parser.add_argument(
        "--approval", metavar="FILE", type=Path, required=True, help="where to write the approval"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Do it, and return the exit code."""
    scope: str = options.environment
    plan_set = read_set(options.plans, scope, destroy=options.destroy)
    github = GitHub.of(os.environ)
    require_tip(github, plan_set)
    run = github.run(
        require(os.environ, "GITHUB_SERVER_URL"),
        require(os.environ, "GITHUB_RUN_ID"),
        commit=plan_set.head,
        base=plan_set.base,
    )
    approval = approval_of(
        run,
        digest=plan_set.digest,
        scope=scope,
        environment=environment_of(scope),
        now=datetime.now(UTC),
    )
    options.approval.parent.mkdir(parents=True, exist_ok=True)
    options.approval.write_bytes(approval.to_bytes())
    console.print(f"{approval.approver} approved {approval.digest} for {scope}", markup=False)
    return 0


def require_tip(github: GitHub, plan_set: PlanSet) -> None:
    """Refuse a set that is older than what the default branch says now.

    Raises:
        PipelineError: it is, or GitHub does not tell.
    """
    branch = github.default_branch()
    tip = github.tip_of(branch)
    changed = () if tip == plan_set.head else github.files_since(plan_set.head, tip)
    require_current(plan_set.head, branch=branch, tip=tip, changed=changed)


def environment_of(scope: str) -> str:
    """The environment on GitHub that guards a scope: its own, or that of its account."""
    return scope.partition("/")[0]


def read_set(plans: Path, scope: str, *, destroy: bool = False) -> PlanSet:
    """The set of a scope that ``plan`` wrote, with its plans or without.

    Raises:
        PipelineError: there is none, or it is of another scope.
    """
    folder = scope.replace("/", "-")
    path = plans / (f"{folder}-destroy" if destroy else folder) / PLAN_SET
    try:
        plan_set = PlanSet.from_bytes(path.read_bytes())
    except FileNotFoundError as error:
        raise PipelineError(
            f"there is no plan set {path}", hint=f"make plan ENV={scope} writes one"
        ) from error
    if plan_set.scope != scope or plan_set.destroy != destroy:
        raise PipelineError(f"{path} is another set than that of {scope}")
    return plan_set
