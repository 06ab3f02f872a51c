"""Systems of record for the tests of connectors."""

import uuid

import pytest

from bot.connectors.sql import SqlConnector
from tests.connectors.bank import running_bank
from tests.connectors.mail import Certificates, running_imap
from tests.connectors.stock import administer, create_stock, mariadb_stock, stock_system
from tests.servers import create_database


@pytest.fixture
def bank():
    with running_bank() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def house(request, tmp_path):
    """Create a stock database on each, with its connector and URL."""
    if request.param != "sqlite":
        fixture = "postgres_house" if request.param == "postgresql" else "mariadb_house"
        return request.getfixturevalue(fixture)
    url = f"sqlite:///{tmp_path / 'house.db'}"
    create_stock(url)
    connector = SqlConnector(stock_system(), url)
    connector.sort, connector.url = "sqlite", url
    return connector


@pytest.fixture
def postgres_house(postgres):
    """Create a stock database on PostgreSQL."""
    name = f"h{uuid.uuid4().hex[:10]}"
    create_database(postgres, name)
    url = f"{postgres}/{name}"
    create_stock(url)
    connector = SqlConnector(stock_system(), url)
    connector.sort, connector.url = "postgresql", url
    return connector


@pytest.fixture
def mariadb_house(mariadb):
    """Make a stock database on MariaDB as new."""
    url = mariadb_stock(mariadb)
    connector = SqlConnector(stock_system(), url)
    connector.sort, connector.url = "mariadb", url
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
