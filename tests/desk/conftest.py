"""Which tests of the desk run on PostgreSQL too whenever tests run."""

from pathlib import Path

import pytest

ROOM = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make the second run of what the desk says and asks a proof.

    No SQL is in this room: that of the store is tested on both. What a transaction or a lock
    guards carries the mark ``both_databases``; the others come to PostgreSQL with the proofs.
    """
    for item in items:
        if item.path.parent == ROOM and _is_on_postgresql(item):
            item.add_marker(pytest.mark.proof)


def _is_on_postgresql(item: pytest.Item) -> bool:
    parameters = getattr(item, "callspec", None)
    return (
        parameters is not None
        and parameters.params.get("database_url") == "postgresql"
        and item.get_closest_marker("both_databases") is None
    )
