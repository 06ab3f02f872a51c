"""The installations of the app, one a workspace, with their tokens encrypted.

The tables and queries are those of Slack's SDK; here their columns for tokens hold ciphertext.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from sqlalchemy.engine import Dialect

from bot.cases.errors import SettingsIncomplete

TOKEN_COLUMNS = ("bot_token", "bot_refresh_token", "user_token", "user_refresh_token")
STATE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class WorkspaceId:
    """A workspace, or an organisation of Enterprise Grid."""

    #: ``T…``; empty for a whole organisation.
    team: str
    #: ``E…``; empty outside Enterprise Grid.
    enterprise: str = ""

    def __str__(self) -> str:
        return self.team or self.enterprise


class EncryptedToken(sa.types.TypeDecorator[str]):
    """A token, encrypted with the first of several keys."""

    impl = sa.Text
    # The keys are no part of a statement.
    cache_ok = False

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__()
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SettingsIncomplete(
                "COUNTERSIGN_INSTALLATION_KEY must be a Fernet key: make one with"
                " `countersign workspaces key`"
            ) from None

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt a token on its way to the database."""
        return None if value is None else self._fernet.encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt a token on its way from the database.

        Raises:
            SettingsIncomplete: it was encrypted with another key.
        """
        if value is None:
            return None
        try:
            return self._fernet.decrypt(value.encode()).decode()
        except InvalidToken:
            raise SettingsIncomplete(
                "the tokens of the installations were encrypted with another key: put that one into"
                " COUNTERSIGN_INSTALLATION_KEY_OLD"
            ) from None

    def rotate(self, value: str) -> str:
        """Encrypt a ciphertext again with the first key."""
        return self._fernet.rotate(value.encode()).decode()


class Installations(SQLAlchemyInstallationStore):
    """Reads and writes installations, the latest of each workspace."""

    def __init__(self, client_id: str, engine: sa.Engine, keys: Sequence[str]) -> None:
        super().__init__(client_id=client_id, engine=engine)
        self._token_type = EncryptedToken(keys)
        for table in (self.bots, self.installations):
            for name in TOKEN_COLUMNS:
                if name in table.c:
                    table.c[name].type = self._token_type
        self._states = SQLAlchemyOAuthStateStore(expiration_seconds=STATE_SECONDS, engine=engine)

    @property
    def states(self) -> SQLAlchemyOAuthStateStore:
        """Return the states of installations that have begun."""
        return self._states

    def prepare(self) -> None:
        """Create the tables, and encrypt all tokens with the first key."""
        # The SDK declares no types for its own creation of tables.
        self.metadata.create_all(self.engine)
        self._states.metadata.create_all(self.engine)
        with self.engine.begin() as connection:
            for table in (self.bots, self.installations):
                self._rotate(connection, table)

    def list_bots(self) -> dict[WorkspaceId, Bot]:
        """Return the latest bot of each workspace."""
        columns = self.bots.c
        query = (
            self.bots.select()
            .where(columns.client_id == self.client_id, columns.bot_token.is_not(None))
            .order_by(columns.installed_at, columns.id)
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        bots = [self.build_bot_entity(row) for row in rows]
        return {workspace_id_of(bot): bot for bot in bots}

    def remove(self, workspace: WorkspaceId) -> None:
        """Forget the tokens of a workspace that has taken the app out."""
        self.delete_all(enterprise_id=workspace.enterprise or None, team_id=workspace.team or None)

    def _rotate(self, connection: sa.Connection, table: sa.Table) -> None:
        names = [name for name in TOKEN_COLUMNS if name in table.c]
        # The raw ciphertext, not what the type of the columns makes of it.
        raw = [sa.type_coerce(table.c[name], sa.Text).label(name) for name in names]
        for row in connection.execute(sa.select(table.c.id, *raw)).mappings().all():
            changes: dict[str, Any] = {
                name: sa.literal(self._token_type.rotate(row[name]), sa.Text)
                for name in names
                if row[name] is not None
            }
            if changes:
                connection.execute(table.update().where(table.c.id == row["id"]).values(**changes))


def workspace_id_of(bot: Bot) -> WorkspaceId:
    """Return the workspace of a bot, or its whole organisation."""
    team = "" if bot.is_enterprise_install else bot.team_id or ""
    return WorkspaceId(team=team, enterprise=bot.enterprise_id or "")
