"""What a workspace of a deployment has for itself: variables, folders, tables."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from bot.settings import load, load_deployment
from bot.store import tables
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.workspaces import (
    WorkspaceProcesses,
    WorkspaceState,
    workspace_database_url,
    workspace_environment,
    workspace_schema,
)

ONE, OTHER = "T0ONE", "T0OTHER"


def settings(tmp_path, **more):
    variables = {
        "PATH": "/bin",
        "COUNTERSIGN_SLACK_CLIENT_ID": "client",
        "COUNTERSIGN_SLACK_CLIENT_SECRET": "client-secret",
        "COUNTERSIGN_INSTALLATION_KEY": Fernet.generate_key().decode(),
        "COUNTERSIGN_PUBLIC_URL": "https://bots.example.com",
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        "COUNTERSIGN_LIBRARY_DIR": str(tmp_path / "libraries"),
        "SLACK_SIGNING_SECRET": "signing",
    }
    return load_deployment({**variables, **more})


def environment(tmp_path, workspace=ONE, token="xoxb-1", **more):
    state = WorkspaceState(id=workspace, token=token)
    return workspace_environment(settings(tmp_path, **more), state, 4711)


def test_a_secret_reaches_the_workspace_that_it_is_named_for_alone(tmp_path):
    secrets = {
        f"{ONE}_HARBOUR_VINE_URL": "of one",
        f"{OTHER}_HARBOUR_VINE_URL": "of other",
        f"{ONE}_COUNTERSIGN_API_TOKEN": "reader of one",
        "HARBOUR_VINE_URL": "of nobody",
        "COUNTERSIGN_API_TOKEN": "reader of nobody",
        "COUNTERSIGN_SOURCE_API_TOKEN": "sender of nobody",
    }
    one = environment(tmp_path, ONE, **secrets)
    other = environment(tmp_path, OTHER, **secrets)
    assert one["HARBOUR_VINE_URL"] == "of one"
    assert one["COUNTERSIGN_API_TOKEN"] == "reader of one"
    assert other["HARBOUR_VINE_URL"] == "of other"
    assert "COUNTERSIGN_API_TOKEN" not in other
    for variables in (one, other):
        assert not any("of nobody" in text for text in variables.values())
    assert not any("of other" in text for text in one.values())


def test_no_workspace_gets_the_keys_of_the_deployment(tmp_path):
    variables = environment(tmp_path, COUNTERSIGN_CHROMA_URL="http://chroma")
    texts = " ".join([*variables, *variables.values()])
    for secret in ("client-secret", "INSTALLATION_KEY", "CHROMA"):
        assert secret not in texts


def test_every_workspace_computes_in_as_many_threads_as_the_operator_has_set(tmp_path):
    assert environment(tmp_path, OMP_NUM_THREADS="2")["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in environment(tmp_path)


def test_what_is_a_workspaces_own_cannot_be_overridden_into_another_ones(tmp_path):
    variables = environment(
        tmp_path,
        ONE,
        **{
            f"{ONE}_COUNTERSIGN_DATA_DIR": str(tmp_path / "data/workspaces" / OTHER),
            f"{ONE}_COUNTERSIGN_LIBRARY_DIR": str(tmp_path / "libraries" / OTHER),
            f"{ONE}_SLACK_BOT_TOKEN": "xoxb-other",
        },
    )
    assert variables["COUNTERSIGN_DATA_DIR"].endswith(f"/workspaces/{ONE}")
    assert variables["COUNTERSIGN_LIBRARY_DIR"].endswith(f"/{ONE}")
    assert variables["SLACK_BOT_TOKEN"] == "xoxb-1"


def test_the_settings_of_a_workspace_are_complete_and_its_address_is_its_own(tmp_path):
    loaded = load(environment(tmp_path))
    assert loaded.public_url == "https://t0one.bots.example.com"
    assert loaded.origin == "countersign/T0ONE"
    assert (loaded.host, loaded.port) == ("127.0.0.1", 4711)
    # Without a token it receives still.
    assert load(environment(tmp_path, token="")).slack_bot_token.startswith("xoxb-")


@pytest.mark.parametrize("workspace", ["..", "T1/../T2", "t1", "T", "T1;DROP", "", "X1"])
def test_an_id_that_is_none_starts_nothing(tmp_path, workspace):
    processes = WorkspaceProcesses(settings=settings(tmp_path))
    processes.bring_to({workspace: "xoxb-1"})
    assert processes.find_address(workspace) == ""
    assert "no id of a workspace" in processes.find_problems()[0]


def test_a_workspace_without_a_library_is_told_what_to_write(tmp_path):
    processes = WorkspaceProcesses(settings=settings(tmp_path))
    processes.bring_to({ONE: "xoxb-1"})
    assert processes.find_address(ONE) == ""
    (problem,) = processes.find_problems()
    assert f"countersign init {tmp_path}/libraries/{ONE}" in problem


VALUES = {
    int: 1,
    str: "x",
    bytes: b"x",
    bool: True,
    float: 1.0,
    Decimal: Decimal(1),
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
    dict: {},
}


def insert_row(connection, table) -> None:
    """Insert some row: which values it has does not matter, only where it stands."""
    needed = [
        column
        for column in table.columns
        if not column.nullable and not column.server_default and column.default is None
    ]
    values = {column.name: VALUES[column.type.python_type] for column in needed}
    connection.execute(table.insert().values(values))


def count_rows(connection, table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()


@pytest.fixture(scope="module")
def databases(tmp_path_factory, postgres):
    """Two workspaces in one PostgreSQL, as the deployment opens them."""
    config = settings(
        tmp_path_factory.mktemp("two"), COUNTERSIGN_DATABASE_URL=f"{postgres}/postgres"
    )
    admin = sa.create_engine(f"{postgres}/postgres")
    opened = {}
    for workspace in (ONE, OTHER):
        with admin.begin() as connection:
            connection.execute(sa.schema.CreateSchema(workspace_schema(workspace)))
        opened[workspace] = Database(workspace_database_url(config, workspace))
        migrate(opened[workspace])
    yield opened
    for workspace, database in opened.items():
        database.close()
        with admin.begin() as connection:
            connection.execute(sa.schema.DropSchema(workspace_schema(workspace), cascade=True))
    admin.dispose()


@pytest.mark.parametrize("table", tables.metadata.sorted_tables, ids=lambda table: table.name)
def test_a_row_of_one_workspace_stands_in_no_table_of_another(databases, table):
    with databases[ONE].engine.begin() as connection:
        # Triggers and references to other rows are not what is tried here.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        before = count_rows(connection, table)
        insert_row(connection, table)
        assert count_rows(connection, table) == before + 1
    with databases[OTHER].read() as connection:
        assert count_rows(connection, table) == before


def test_no_statement_names_a_schema():
    # Then the search path of the connection alone decides whose table it is.
    assert all(table.schema is None for table in tables.metadata.sorted_tables)
