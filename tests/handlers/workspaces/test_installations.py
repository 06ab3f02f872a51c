"""Installations: tokens are ciphertext in the database, and the key can be changed."""

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from slack_sdk.oauth.installation_store import Installation

from bot.cases.errors import SettingsIncomplete
from handlers.workspaces.installations import Installations, WorkspaceId

OLD_KEY, NEW_KEY = (Fernet.generate_key().decode() for _ in range(2))
TOKEN = "xoxb-the-secret-token"


@pytest.fixture
def engine(database_url):
    made = sa.create_engine(database_url)
    yield made
    made.dispose()


def opened(engine, *keys) -> Installations:
    installations = Installations(client_id="client", engine=engine, keys=keys)
    installations.prepare()
    return installations


def installation(team="T1", enterprise=None, token=TOKEN, at=1.0, **more) -> Installation:
    return Installation(
        app_id="A1",
        enterprise_id=enterprise,
        team_id=team,
        user_id="U1",
        bot_token=token,
        bot_refresh_token=f"refresh-of-{token}",
        bot_id="B1",
        bot_user_id="U0BOT",
        installed_at=at,
        **more,
    )


def ciphertexts(engine) -> list[str]:
    with engine.connect() as connection:
        rows = []
        for table in ("slack_bots", "slack_installations"):
            query = sa.text(f"SELECT bot_token, bot_refresh_token FROM {table}")
            rows += [text for row in connection.execute(query) for text in row if text]
    return rows


def test_no_token_stands_in_the_database_as_it_is(engine):
    opened(engine, NEW_KEY).save(installation())
    texts = ciphertexts(engine)
    assert len(texts) == 4
    assert not any(TOKEN in text for text in texts)
    bot = opened(engine, NEW_KEY).list_bots()[WorkspaceId("T1")]
    assert (bot.bot_token, bot.bot_refresh_token) == (TOKEN, f"refresh-of-{TOKEN}")


def test_a_start_with_a_new_key_makes_the_old_one_needless(engine):
    opened(engine, OLD_KEY).save(installation())
    opened(engine, NEW_KEY, OLD_KEY)
    assert opened(engine, NEW_KEY).list_bots()[WorkspaceId("T1")].bot_token == TOKEN
    with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_INSTALLATION_KEY_OLD"):
        Installations(client_id="client", engine=engine, keys=[OLD_KEY]).list_bots()


def test_a_key_that_is_none_is_refused_with_what_to_do():
    with pytest.raises(SettingsIncomplete, match="countersign workspaces key"):
        Installations("client", sa.create_engine("sqlite://"), keys=["not a key"])


def test_the_latest_installation_of_a_workspace_counts(engine):
    installations = opened(engine, NEW_KEY)
    installations.save(installation(token="xoxb-2", at=2.0))
    installations.save(installation(token="xoxb-1", at=1.0))
    assert [bot.bot_token for bot in installations.list_bots().values()] == ["xoxb-2"]


def test_an_organisation_is_one_workspace_beside_those_in_it(engine):
    installations = opened(engine, NEW_KEY)
    installations.save(installation("T1", "E1", "xoxb-team"))
    installations.save(installation(None, "E1", "xoxb-org", is_enterprise_install=True))
    tokens = {str(key): bot.bot_token for key, bot in installations.list_bots().items()}
    assert tokens == {"T1": "xoxb-team", "E1": "xoxb-org"}
    installations.remove(WorkspaceId("T1", "E1"))
    assert [str(key) for key in installations.list_bots()] == ["E1"]


def test_another_apps_installations_are_not_ours(engine):
    opened(engine, NEW_KEY).save(installation())
    other = Installations(client_id="other", engine=engine, keys=[NEW_KEY])
    assert other.list_bots() == {}
