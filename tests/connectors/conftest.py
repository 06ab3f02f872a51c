"""Systems of record for the tests of connectors."""

import uuid

import pytest

from bot.connectors.sql import SqlConnector
from tests.connectors.bank import running_bank
from tests.connectors.mail import Certificates, running_imap
from tests.connectors.stock import administer, create_stock, stock_system
from tests.servers import create_database


@pytest.fixture
def bank():
    with running_bank() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request, tmp_path):
    """Create a stock database on either, with its connector and URL."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_house")
    url = f"sqlite:///{tmp_path / 'house.db'}"
    create_stock(url)
    connector = SqlConnector(stock_system(), url)
    connector.is_sqlite, connector.url = True, url
    return connector


@pytest.fixture
def postgres_house(postgres):
    """Create a stock database on PostgreSQL."""
    name = f"h{uuid.uuid4().hex[:10]}"
    create_database(postgres, name)
    url = f"{postgres}/{name}"
    create_stock(url)
    connector = SqlConnector(stock_system(), url)
    connector.is_sqlite, connector.url = False, url
    return connector


@pytest.fixture
def reader_url(postgres_house):
    """Return a URL of the database for a role that only reads."""
    name = f"reader{uuid.uuid4().hex[:8]}"
    administer(postgres_house.url, f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON stock TO {name}")
    yield postgres_house.url.replace("countersign@", f"{name}@")
    administer(postgres_house.url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Issue certificates for this machine and for another one."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def imap(certificates):
    """Run a real IMAP server."""
    with running_imap(certificates) as server:
        yield server
