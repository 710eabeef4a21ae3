import pytest

from tests.pki.ceremony.support import Account


@pytest.fixture
def account() -> Account:
    return Account()
