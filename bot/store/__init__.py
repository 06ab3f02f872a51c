"""Persistence by SQLAlchemy Core on SQLite or PostgreSQL, one store per concern."""
