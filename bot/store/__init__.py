"""Persistence: SQLAlchemy Core on SQLite or PostgreSQL, one writer, a store per concern."""
