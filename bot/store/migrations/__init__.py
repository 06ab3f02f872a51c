"""Alembic migrations, run by ``countersign`` itself at start."""
