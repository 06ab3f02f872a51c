"""Persistence: SQLAlchemy Core on SQLite or PostgreSQL, one writer, the ledger and its checkpoints."""
