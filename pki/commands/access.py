"""The way into the accounts: the ceremony role, and from there an environment's roles."""

import argparse
from dataclasses import dataclass
from typing import Self

import boto3

from pki.console import organization_of
from pki.organization import Environment, Organization
from pki.sessions import ceremony_session, reader_session, writer_session


@dataclass(frozen=True, slots=True)
class Access:
    """What ``--environment`` and ``--operator`` open.

    Attributes:
        organization: the organisation that ``--live-dir`` or the current folder means.
        environment: the environment in question.
        ceremony: acts in the security account.
        operator: who acts.
    """

    organization: Organization
    environment: Environment
    ceremony: boto3.Session
    operator: str

    @classmethod
    def take(cls, arguments: argparse.Namespace) -> Self:
        """Take the ceremony role.

        Raises:
            PkiError: there is no such organisation or environment, or the role led elsewhere.
            botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: refused or
                unreachable.
        """
        organization = organization_of(arguments)
        environment = organization.environment(arguments.environment)
        ambient = boto3.Session(region_name=organization.region)
        ceremony = ceremony_session(ambient, organization, arguments.operator)
        return cls(organization, environment, ceremony, arguments.operator)

    def writer(self) -> boto3.Session:
        """Go on into the environment's account, to write; see :func:`writer_session`."""
        return writer_session(self.ceremony, self.environment, self.operator)

    def reader(self) -> boto3.Session:
        """Go on into the environment's account, to read; see :func:`reader_session`."""
        return reader_session(self.ceremony, self.environment, self.operator)
