"""Which environments the laptop brings up: those asked for, and those that it holds already."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from local.errors import LocalError, UsageError
from local.settings import StateDirectory
from pki.organization import SECURITY_ACCOUNT, Environment, Organization
from tools.paths import write_atomically


def check(organization: Organization, wanted: Iterable[str]) -> None:
    """Refuse names that are no environments.

    Raises:
        UsageError: the tree has no environment of that name.
    """
    known = [environment.name for environment in organization.environments]
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"ENVIRONMENTS: live/ has no environment {name!r}",
                hint=f"choose from {', '.join(_in_order(organization, known))}",
            )


def choose(
    organization: Organization, wanted: Sequence[str], held: Sequence[str]
) -> tuple[Environment, ...]:
    """The environments to bring up, in the order of promotion.

    One that is there already stays: its CA has a key, which nothing may take away.

    Args:
        organization: the facts of ``live/``.
        wanted: what a person asked for; without, what is held, or else the first of promotion.
        held: what the running platform holds.

    Raises:
        UsageError: a name is no environment, or there is none at all.
    """
    check(organization, wanted)
    names = [environment.name for environment in organization.environments]
    chosen = {*wanted, *held} & set(names) or set(_in_order(organization, names)[:1])
    if not chosen:
        raise UsageError("live/ has no environment", hint="see docs/accounts.md")
    return tuple(
        organization.environment(name) for name in _in_order(organization, names) if name in chosen
    )


def left_out(organization: Organization, chosen: Sequence[Environment]) -> list[Environment]:
    """The environments of the tree that are not among the chosen ones."""
    return [entry for entry in organization.environments if entry not in chosen]


def account_names(organization: Organization, chosen: Sequence[Environment]) -> list[str]:
    """The accounts that these environments need: the certificate authority's, and their own."""
    needed = {SECURITY_ACCOUNT, *(entry.account_name for entry in chosen)}
    return [name for name in organization.accounts if name in needed]


def filters(organization: Organization, chosen: Sequence[Environment]) -> list[str]:
    """Options of Terragrunt that leave out, below ``live/``, what the chosen ones do not need."""
    needed = account_names(organization, chosen)
    paths = [name for name in organization.accounts if name not in needed]
    paths += [
        f"{entry.account_name}/{entry.region}/{entry.name}"
        for entry in left_out(organization, chosen)
        if entry.account_name in needed
    ]
    return [option for path in paths for option in ("--filter", f"!./{path}/**")]


def read(state: StateDirectory) -> tuple[str, ...]:
    """The environments that the platform holds, or is being given.

    Raises:
        LocalError: the file is not what `write` writes.
    """
    try:
        names = json.loads(state.environments.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except ValueError as error:
        raise _damaged(state.environments) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _damaged(state.environments)
    return tuple(names)


def write(state: StateDirectory, chosen: Sequence[Environment]) -> None:
    """Note what is brought up, before the first of it is made."""
    names = [environment.name for environment in chosen]
    write_atomically(state.environments, json.dumps(names) + "\n")


def _in_order(organization: Organization, names: Iterable[str]) -> list[str]:
    order = organization.promotion
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _damaged(path: Path) -> LocalError:
    return LocalError(f"{path} is damaged", hint="make down, then make up")
