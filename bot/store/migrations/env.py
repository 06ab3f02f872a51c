"""Alembic's entry point: the connection is handed in by ``migrate``."""

from alembic import context

from bot.store.tables import declare_postgresql_indexes, metadata

declare_postgresql_indexes()
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
