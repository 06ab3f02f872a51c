"""The registry: the declaration of a connector is all that others need."""

from typing import get_args

import pytest

from bot.cases.errors import ConnectorFailed
from bot.connectors.dry_run import DryRun
from bot.connectors.http import HttpConnector
from bot.connectors.measured import MeasuredConnector
from bot.connectors.message import MessageConnector
from bot.connectors.registry import AnySystem, MissingSecret, build_connectors, missing_secrets
from bot.connectors.specs import SystemSpec
from bot.connectors.sql import SqlConnector, SqlSystem
from knowledge.library import load
from tests.connectors.bank import bank_system
from tests.fakes.chat import FakeChat

SECRETS = {"HOUSE_URL": "sqlite:///house.db", "BANK_TOKEN": "t0ken"}


def systems(**changes):
    house = SqlSystem(name="house", url_env="HOUSE_URL", **changes)
    return {"house": house, "bank": bank_system(1), "slack": load().systems["slack"]}


def look_up_secret(name):
    return SECRETS.get(name, "")


def build(specs, *, dry_run=False):
    return build_connectors(specs, secrets=look_up_secret, chat=FakeChat(), dry_run=dry_run)


def test_every_connector_has_a_name_of_its_own_in_yaml():
    types = get_args(get_args(AnySystem)[0])
    names = [one.__dataclass_fields__["connector"].default for one in types]
    assert sorted(names) == ["http", "mcp", "message", "smtp", "sql"]
    assert all(issubclass(one, SystemSpec) for one in types)


def test_a_system_is_built_as_its_own_declaration_says():
    connectors = build(systems())
    assert {type(measured) for measured in connectors.values()} == {MeasuredConnector}
    types = {name: type(measured._connector) for name, measured in connectors.items()}
    assert types == {"house": SqlConnector, "bank": HttpConnector, "slack": MessageConnector}
    assert connectors["bank"]._connector._client.headers["Authorization"] == "Bearer t0ken"


def test_a_dry_run_stands_in_front_of_every_one():
    assert {type(connector) for connector in build(systems(), dry_run=True).values()} == {DryRun}


def test_the_secrets_that_are_missing_are_named():
    assert missing_secrets(systems(), look_up_secret) == []
    specs = systems(read_url_env="HOUSE_READ_URL")
    assert missing_secrets(specs, look_up_secret) == [MissingSecret("house", "HOUSE_READ_URL")]
    assert [missing.name for missing in missing_secrets(specs, lambda name: "")] == [
        "HOUSE_URL",
        "HOUSE_READ_URL",
        "BANK_TOKEN",
    ]


def test_a_system_that_contradicts_itself_is_not_built():
    with pytest.raises(ConnectorFailed, match="not on its list of hosts"):
        build({"bank": bank_system(1, hosts=("bank.example",))})
