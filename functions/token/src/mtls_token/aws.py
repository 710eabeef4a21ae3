"""What the token endpoint needs of AWS: secrets, a MAC, and which failures pass by themselves."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from clientcert import Clock, Moment, may_pass
from mtls_token.issuance import AppClient
from mtls_token.refusal import Refusal, RefusedError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_SECONDS = 300.0
"""How long a secret is kept in memory; Cognito's refusal of a rotated one ends it earlier."""


class SecretsManagerAppClients:
    """App clients' credentials: secret ``<prefix>/<client id>``, a JSON object.

    Its members are ``client_id`` and ``client_secret``.
    """

    def __init__(self, client: "SecretsManagerClient", prefix: str, *, clock: Clock) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._known: dict[str, tuple[Moment, AppClient]] = {}

    def find(self, client_id: str) -> AppClient:
        """The app client's credentials, at most `SECRET_SECONDS` old.

        Raises:
            RefusedError: no answer, or a secret of another form.
        """
        now = self._clock()
        remembered = self._known.get(client_id)
        if remembered is None or now.seconds_since(remembered[0]) >= SECRET_SECONDS:
            remembered = self._known[client_id] = (now, self._read(client_id))
        return remembered[1]

    def forget(self, client_id: str) -> None:
        """Let the next `find` ask again."""
        self._known.pop(client_id, None)

    def _read(self, client_id: str) -> AppClient:
        with refusing_transient_errors(Refusal.SECRET_UNAVAILABLE):
            answer = self._client.get_secret_value(SecretId=f"{self._prefix}/{client_id}")
        try:
            members = json.loads(answer["SecretString"])
            named, secret = members["client_id"], members["client_secret"]
        except (ValueError, TypeError, KeyError):
            raise RefusedError(Refusal.SECRET_MALFORMED) from None
        if named != client_id or not isinstance(secret, str) or not secret:
            raise RefusedError(Refusal.SECRET_MALFORMED)
        return AppClient(client_id, secret)


def mac_maker(client: "KMSClient", key_id: str) -> Callable[[bytes], bytes]:
    """A function that makes an HMAC-SHA-256 with a KMS key."""

    def make_mac(message: bytes) -> bytes:
        with refusing_transient_errors(Refusal.SIGNING_UNAVAILABLE):
            answer = client.generate_mac(KeyId=key_id, Message=message, MacAlgorithm="HMAC_SHA_256")
        return answer["Mac"]

    return make_mac


@contextmanager
def refusing_transient_errors(reason: Refusal) -> Iterator[None]:
    """Turn a failure that may pass into a refusal with this reason.

    A failure that stays (access denied, no such resource) is a fault of ours and goes on up.

    Raises:
        RefusedError: no connection, no answer in time, throttled, or a 5xx answer.
    """
    try:
        yield
    except BotoCoreError as error:
        raise RefusedError(reason) from error
    except ClientError as error:
        if may_pass(error.response):
            raise RefusedError(reason) from error
        raise
