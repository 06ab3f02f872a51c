"""Column types: text that every database keeps."""

from typing import Any

from sqlalchemy import Text, TypeDecorator

from bot.cases.text import storable


class StorableText(TypeDecorator[str]):
    """Text without NUL and half surrogates, whatever comes from outside.

    PostgreSQL refuses both, in a row and in a look-up; neither may become a failure of ours.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else storable(value)
