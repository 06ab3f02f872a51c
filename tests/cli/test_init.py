"""``countersign init``: a library for an own database, and a copy of the sample's."""

import sqlite3
import stat
import uuid
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from dotenv import dotenv_values
from sqlalchemy import create_engine, text

from bot.cases.evidence import facts_of
from bot.cases.expressions import find_scalar, render
from bot.cases.plan import Money
from bot.cli.app import COUNTERSIGN
from bot.cli.company_tables import read_database_url, read_tables
from bot.cli.findings import find_all_problems
from bot.cli.init import copy_sample
from bot.cli.own_library import Choices, env_lines, write_library
from bot.cli.proposal_sql import Dialect
from bot.cli.proposals import find_proposals
from bot.clock import utc_now
from bot.connectors.sql import SqlConnector, SqlSystem
from bot.desk.detection import detection_parameters
from bot.env_files import read_env_file
from bot.preflight import find_problems
from bot.settings import load as load_settings
from knowledge.library import load
from knowledge.library.limit_order import find_stakes_without_rate
from knowledge.library.places import LibraryFiles
from scheduler.detectors import signal_from_row
from tests.servers import create_database, drop_database

OPTIONS = ("--currency", "EUR", "--channel", "C0ORDERS", "--approvers", "shift-leads")
DATABASE = ("--database", "company.sqlite")
BY_SCRIPT = ("--currency", "EUR", "--approvers", "shift-leads", "--yes")
TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(80));
CREATE TABLE "Order Heads" (
  id INTEGER PRIMARY KEY, "CustomerName" VARCHAR(80), "RequiredDate" {time},
  "ShippedDate" {time}, customer_id INTEGER REFERENCES customers (id));
CREATE TABLE contracts (code VARCHAR(20) PRIMARY KEY, title VARCHAR(80), renewal_on DATE);
CREATE TABLE tickets (id INTEGER PRIMARY KEY, subject VARCHAR(80), opened_at {time}, closed_at {time});
CREATE TABLE bills (id INTEGER PRIMARY KEY, supplier_name VARCHAR(80), total NUMERIC(10, 2));
CREATE TABLE bill_lines (
  bill_id INTEGER REFERENCES bills (id), no INTEGER, quantity INTEGER, price NUMERIC(10, 2),
  PRIMARY KEY (bill_id, no));
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def company(request, folder):
    """Make a company's database, and return its URL as people write it."""
    if request.param == "sqlite":
        path = folder / "company.sqlite"
        path.touch()
        fill(f"sqlite:///{path}")
        yield "company.sqlite"
        return
    if request.param == "mariadb":
        with request.getfixturevalue("mariadb").database() as url:
            fill(url)
            yield url.replace("mysql+pymysql", "mysql")
        return
    server = request.getfixturevalue("postgres")
    name = f"company{uuid.uuid4().hex[:8]}"
    create_database(server, name)
    fill(f"{server}/{name}")
    yield f"{server}/{name}".replace("postgresql+psycopg", "postgres")
    drop_database(server, name)


def fill(url: str) -> None:
    """Write rows of which one in each table should not be as it is."""
    now = utc_now().replace(tzinfo=None, microsecond=0)

    def day(ahead: int) -> str:
        return f"{now + timedelta(days=ahead):%Y-%m-%d %H:%M:%S}"

    engine = create_engine(url)
    is_postgresql = url.startswith("postgresql")
    tables = TABLES.format(time="TIMESTAMP WITH TIME ZONE" if is_postgresql else "DATETIME")
    rows = f"""
    INSERT INTO customers VALUES (1, 'Miller');
    INSERT INTO "Order Heads" VALUES (1, 'O''Hara', '{day(-3)}', NULL, 1);
    INSERT INTO "Order Heads" VALUES (2, 'Lund', '{day(-3)}', '{day(-4)}', 1);
    INSERT INTO "Order Heads" VALUES (3, 'Beck', '{day(5)}', NULL, 1);
    INSERT INTO contracts VALUES ('C-1', 'Gas', '{day(12)[:10]}');
    INSERT INTO contracts VALUES ('C-2', 'Water', '{day(90)[:10]}');
    INSERT INTO tickets VALUES (1, 'Door', '{day(-70)}', NULL);
    INSERT INTO tickets VALUES (2, 'Lamp', '{day(-70)}', '{day(-69)}');
    INSERT INTO tickets VALUES (3, 'Sink', '{day(-1)}', NULL);
    INSERT INTO bills VALUES (1, 'Grain Co', 30.00);
    INSERT INTO bills VALUES (2, 'Wine Co', 50.00);
    INSERT INTO bill_lines VALUES (1, 1, 2, 10.00);
    INSERT INTO bill_lines VALUES (1, 2, 1, 12.50);
    INSERT INTO bill_lines VALUES (2, 1, 5, 10.00)
    """
    with engine.begin() as connection:
        if url.startswith("mysql"):
            connection.execute(text("SET sql_mode = 'ANSI'"))
        for statement in f"{tables}{rows}".split(";\n"):
            if statement.strip():
                connection.execute(text(statement.replace(":", r"\:")))
    engine.dispose()


def run(*arguments: str, answers: str = ""):
    return CliRunner().invoke(COUNTERSIGN, ["init", *arguments], input=answers)


# --- what is proposed -----------------------------------------------------------------------------

KINDS = {
    "order_head_overdue": "Order head 1 (O'Hara) is overdue",
    "contract_date_near": "Contract C-1 (Gas) needs a decision soon",
    "ticket_left_open": "Ticket 1 (Door) was left open",
    "bill_sum_differs": "Bill 1 (Grain Co) does not add up",
}
SUMMARIES = {
    "order_head_overdue": "Move the required date of Order head 1 (O'Hara) to",
    "contract_date_near": "Move the renewal date of Contract C-1 (Gas) to",
    "ticket_left_open": "Enter {today} as the closed date of Ticket 1 (Door)",
    "bill_sum_differs": "Correct the total of Bill 1 (Grain Co) to 32.50",
}


def proposals_of(company: str):
    url = read_database_url(company)
    tables = read_tables(url)
    connector = SqlConnector(
        SqlSystem(name="company", url_env="", timeout=timedelta(seconds=10), actions={}), url
    )
    return url, find_proposals(tables, connector, sql=Dialect.of(url), now=utc_now())


def test_each_idea_finds_the_one_row_that_should_not_be_so(company):
    _, proposals = proposals_of(company)
    assert {one.kind: (one.count, one.sample) for one in proposals} == {
        kind: (1, sample) for kind, sample in KINDS.items()
    }


def test_each_proposed_action_can_be_approved_carried_out_and_taken_back(company, folder):
    url, proposals = proposals_of(company)
    for proposal in proposals:
        write_library(
            folder / proposal.kind,
            Choices(
                proposal=proposal,
                currency="EUR",
                channel="C0ORDERS",
                channel_title="orders",
                zone="Europe/Paris",
                group="shift-leads",
            ),
        )
        library = load(folder / proposal.kind)
        assert library.missing_titles() == []
        assert list(find_stakes_without_rate(library, LibraryFiles(folder / proposal.kind))) == []
        assert library.limits_without_action() == []
        carry_out(library, proposal.kind, url)


def carry_out(library, kind, url):
    """Go the way of a case by hand: detect, look up, prepare, carry out, take back."""
    playbook = library.playbook(kind)
    connector = library.systems["company"].connect({"COMPANY_DATABASE_URL": url}.get, None)
    values = detection_parameters(utc_now())
    rows = connector.look_up(playbook.detection.query, values, 10)
    signal = signal_from_row(
        playbook=playbook, detection=playbook.detection, row=rows[0], count_episodes=lambda _: 0
    )
    assert signal.title == KINDS[kind]
    facts = dict(facts_of(signal, ()))
    (lookup,) = playbook.evidence
    key = {name: find_scalar(one, facts) for name, one in lookup.parameters.items()}
    (facts["row"],) = connector.look_up(lookup.query, {**values, **key}, 2)
    assert "{" not in render(playbook.what, facts)
    (offer,) = playbook.offers
    parameters = {name: find_scalar(one, facts) for name, one in offer.parameters.items()}
    action = connector.prepare(offer.action.partition(".")[2], parameters)
    assert SUMMARIES[kind].format(today=f"{utc_now():%Y-%m-%d}") in action.summary
    assert action.reversible
    if kind == "bill_sum_differs":
        assert action.amount == Money(Decimal("2.5"), "EUR")
        assert playbook.stake.currency == "EUR"
        assert playbook.stake.why.startswith("€{row.")
    connector.execute(action, f"do:{kind}")
    # What should not be so is not so any more, or has a later date.
    assert connector.look_up(playbook.detection.query, values, 10) == [] or "date_near" in kind
    before = dict(action.precondition)
    assert dict(connector.precondition(action)) != before
    connector.undo(action, f"do:{kind}", f"undo:{kind}")
    assert dict(connector.precondition(action)) == before
    denominator = playbook.measure.denominator
    if denominator.query:
        period = {"since": "2020-01-01 00:00:00", "until": "2099-01-01 00:00:00"}
        assert connector.look_up(denominator.query, period, 1)[0]["number"] == 3


def test_a_table_without_a_key_or_a_date_or_a_sum_is_refused_with_what_to_do(folder):
    with closing(sqlite3.connect("company.sqlite")) as database, database:
        database.executescript(
            "CREATE TABLE a (due_on DATE, paid_on DATE); INSERT INTO a VALUES ('2020-01-01', NULL);"
            # Called a date, and none: a day like this is not compared.
            "CREATE TABLE b (id INTEGER PRIMARY KEY, due_on DATE, paid_on DATE);"
            "INSERT INTO b VALUES (1, '01/02/2020', NULL)"
        )
    result = run("mine", "--yes", *DATABASE, *OPTIONS)
    assert "countersign init --sample" in str(result.exception)
    assert not Path("mine").exists()


# --- what is written ------------------------------------------------------------------------------


@pytest.fixture
def own(folder):
    path = folder / "company.sqlite"
    path.touch()
    fill(f"sqlite:///{path}")
    return folder


def test_a_script_gets_a_sound_library_and_the_five_settings(own):
    result = run("mine", "--yes", *DATABASE, *OPTIONS)
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    assert Path(".gitignore").read_text().splitlines() == [".env", ".countersign/"]
    variables = dotenv_values(".env")
    assert variables == {
        "SLACK_BOT_TOKEN": "",
        "SLACK_APP_TOKEN": "",
        "COUNTERSIGN_LIBRARY_DIR": str(own / "mine"),
        "COMPANY_DATABASE_URL": f"sqlite:///{own / 'company.sqlite'}",
        "COUNTERSIGN_MODE": "dry-run",
    }
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    library = load(Path("mine"))
    assert list(find_problems(load_settings({**variables, **tokens}), library)) == []
    assert library.playbook("nothing of the kind").owners.business == "shift-leads"
    assert library.deciders() == ["shift-leads"]
    first_lines = {
        str(path.relative_to("mine")): path.read_text().splitlines()[0]
        for path in Path("mine").rglob("*.yml")
    }
    schema = "# yaml-language-server: $schema="
    (playbook,) = [name for name in first_lines if name.startswith("playbooks/")]
    assert first_lines.pop(playbook) == f"{schema}../schemas/playbook.json"
    assert first_lines == {
        f"{name}.yml": f"{schema}schemas/{name}.json"
        for name in ("policy", "systems", "channels", "sources")
    }


def test_the_kind_may_be_chosen_and_an_unknown_one_is_refused_with_those_that_there_are(own):
    result = run("mine", "--yes", *DATABASE, *OPTIONS, "--kind", "bill_sum_differs")
    assert result.exit_code == 0, result.output
    assert list(load(Path("mine")).playbooks) == ["bill_sum_differs", "unrecognised"]
    refused = run("other", "--yes", *DATABASE, *OPTIONS, "--kind", "bill")
    assert "bill is not proposed for this database; there are " in str(refused.exception)


def test_people_are_listed_as_a_group_of_policy(own):
    options = (
        "--currency",
        "CHF",
        "--channel",
        "C0ORDERS",
        "--approvers",
        "U0MIA, ben@own.example",
    )
    assert run("mine", "--yes", *DATABASE, *options).exit_code == 0
    library = load(Path("mine"))
    assert library.policy().groups == {"approvers": ("U0MIA", "ben@own.example")}
    assert library.policy().currency == "CHF"
    assert library.policy().tiers["high"].factors[0].count == 2


def test_a_channel_may_be_given_by_its_name(own):
    options = ("--currency", "EUR", "--channel", "#orders", "--approvers", "shift-leads")
    assert run("mine", "--yes", *DATABASE, *options).exit_code == 0
    library = load(Path("mine"))
    assert library.channel_names() == ["orders"]
    assert "titles: {}" in Path("mine/channels.yml").read_text()


def test_what_is_there_is_never_overwritten(own):
    Path(".env").write_text("MINE=1\n")
    Path(".gitignore").write_text("*.pyc")
    result = run("mine", "--yes", *DATABASE, *OPTIONS)
    assert Path(".env").read_text() == "MINE=1\n"
    assert f"COUNTERSIGN_LIBRARY_DIR={own / 'mine'}" in result.output
    # It may hold a password.
    assert "COMPANY_DATABASE_URL=…" in result.output
    before = Path("mine/policy.yml").read_bytes()
    again = run("mine", "--yes", *DATABASE, *OPTIONS)
    assert "mine already exists" in str(again.exception)
    assert Path("mine/policy.yml").read_bytes() == before
    assert run("other", "--yes", *DATABASE, *OPTIONS).exit_code == 0
    Path(".env").unlink()
    assert run("third", "--yes", *DATABASE, *OPTIONS).exit_code == 0
    assert run("third", "--yes", *DATABASE, *OPTIONS).exit_code == 1
    assert Path(".gitignore").read_text() == "*.pyc\n.env\n.countersign/\n"


def test_a_refused_choice_leaves_nothing_behind(own):
    result = run(
        "mine",
        "--yes",
        *DATABASE,
        "--channel",
        "C0ORDERS",
        "--currency",
        "EUR",
        "--approvers",
        "two words",
    )
    assert "'two words' cannot be used; write it like ops-leads" in str(result.exception)
    wrong = run("mine", "--yes", *DATABASE, *OPTIONS, "--zone", "Mars/Olympus")
    assert "there is no time zone 'Mars/Olympus'" in str(wrong.exception)
    assert sorted(path.name for path in own.iterdir()) == ["company.sqlite"]


def test_a_script_is_told_all_that_it_lacks_at_once(own):
    result = run("mine", "--yes", *DATABASE)
    assert str(result.exception) == (
        "with --yes, nothing is asked: add --currency, --channel, --approvers"
    )


@pytest.mark.parametrize(
    ("database", "sentence"),
    [
        ("nowhere.sqlite", "there is no file"),
        ("oracle://me:secret@host/shop", "oracle is not supported"),
        ("mysql://me:secret@127.0.0.1:9/shop", "the database cannot be read: Can't connect to"),
        ("mysql://me:secret@127.0.0.1:9", "ends with the name of the database"),
        ("postgresql://me:secret@127.0.0.1:9/shop", "the database cannot be read: "),
        ("notes.txt", "the database cannot be read: file is not a database"),
        ("://", "that is no URL of a database"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused_without_its_password(folder, database, sentence):
    Path("notes.txt").write_text("not a database, and long enough to be looked at" * 20)
    result = run("mine", "--yes", "--database", database, *OPTIONS)
    assert sentence in str(result.exception)
    assert "secret" not in str(result.exception)
    assert not Path("nowhere.sqlite").exists()


def test_somebody_at_a_terminal_is_asked_again_after_a_mistake(own):
    answers = [
        *("nowhere.sqlite", "company.sqlite"),
        *("9", "2"),
        *("euro", "EUR"),
        *("#orders?", "C0ORDERS"),
        "orders",
        *("two words", ",", "@shift-leads"),
        *("xoxb-typed", "xapp-typed"),
    ]
    result = run("mine", answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert "there is no file" in result.output
    assert load(Path("mine")).channel_rules.titles == {"C0ORDERS": "orders"}
    assert load(Path("mine")).deciders() == ["shift-leads"]
    variables = dotenv_values(".env")
    assert variables["SLACK_BOT_TOKEN"] == "xoxb-typed"
    assert "xoxb-typed" not in result.output
    assert "Put the two tokens" not in result.output


def test_a_password_with_odd_letters_comes_back_from_the_settings_as_it_was(own):
    url = "postgresql+psycopg://me:a'b\"c#d e\\f$HOME@host/shop"
    Path(".env").write_text(env_lines(Path("mine"), database_url=url, bot_token="", app_token=""))
    assert read_env_file(Path(".env"))["COMPANY_DATABASE_URL"] == url


# --- companies that are not like the sample -------------------------------------------------------


def make_company(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def test_names_in_another_language_with_spaces_make_a_kind_that_files_can_have(folder):
    path = make_company(
        folder / "firma.sqlite",
        'CREATE TABLE "Aufträge 2024" ("Nr" INTEGER PRIMARY KEY, due_on DATE, done_on DATE)',
        """INSERT INTO "Aufträge 2024" VALUES (1, date('now', '-3 days'), NULL)""",
    )
    result = run("mine", "--database", str(path), "--channel", "aufträge", *BY_SCRIPT)
    assert result.exit_code == 0, result.output
    (playbook,) = [one for one in load(Path("mine")).playbooks.values() if one.detection]
    assert playbook.kind == "auftraege_2024_overdue"
    assert playbook.title == "Aufträge 2024 overdue"
    assert playbook.channel == "aufträge"


def test_of_many_tables_the_one_with_rows_is_tried_and_a_screen_of_them_is_listed(folder):
    tables = (
        f"CREATE TABLE t{number:03} (id INTEGER PRIMARY KEY, due_on DATE, done_on DATE)"
        for number in range(120)
    )
    row = "INSERT INTO t115 VALUES (1, date('now', '-3 days'), NULL)"
    path = make_company(folder / "erp.sqlite", *tables, row)
    result = run("mine", "--database", str(path), "--channel", "orders", *BY_SCRIPT)
    assert result.exit_code == 0, result.output
    assert "t115" in result.output
    assert "t099" not in result.output
    assert "and 80 more" in result.output


def test_a_currency_without_cents_has_larger_bounds_and_may_be_typed_small(folder):
    path = make_company(
        folder / "shop.sqlite",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, due_on DATE, done_on DATE)",
        "INSERT INTO orders VALUES (1, date('now', '-3 days'), NULL)",
    )
    answers = f"{path}\n1\njpy\norders\nU0ANA\nxoxp-1\nxoxb-1\nxapp-1\n"
    result = run("mine", answers=answers)
    assert result.exit_code == 0, result.output
    policy = load(Path("mine")).rules
    assert (policy.currency, policy.medium_above, policy.high_above) == ("JPY", 25_000, 250_000)
    # A token of another sort is asked for again.
    assert "begins with xoxb-" in result.output
    assert "SLACK_BOT_TOKEN=xoxb-1" in Path(".env").read_text()


def test_two_libraries_at_once_are_refused(folder):
    assert "leave one of them out" in str(run("mine", "--sample", "--pack", "stock").exception)
    assert not Path("mine").exists()


def test_a_schema_of_postgresql_is_named_where_the_tables_are_elsewhere(folder, postgres):
    name = f"company{uuid.uuid4().hex[:8]}"
    create_database(postgres, name)
    plain = f"{postgres}/{name}"
    engine = create_engine(plain)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA shop"))
        connection.execute(
            text("CREATE TABLE shop.bills (id uuid PRIMARY KEY, due_on date, paid_on date)")
        )
        connection.execute(
            text("INSERT INTO shop.bills VALUES (gen_random_uuid(), current_date - 3, NULL)")
        )
    engine.dispose()
    options = ("--channel", "orders", *BY_SCRIPT)
    refusal = str(run("mine", "--database", plain, *options).exception)
    assert "the tables of this database are in shop: add ?options=-csearch_path%3Dshop" in refusal
    whole = f"{plain}?options=-csearch_path%3Dshop"
    assert run("mine", "--database", whole, *options).exit_code == 0
    variables = {**read_env_file(Path(".env")), "COUNTERSIGN_DATA_DIR": str(folder / "data")}
    tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
    # The keys are UUIDs, of which no example is at hand.
    assert find_all_problems(load_settings({**variables, **tokens}))[0] == []
    drop_database(postgres, name)


# --- the sample -----------------------------------------------------------------------------------


def test_the_copy_is_a_sound_library_with_the_examples_of_questions(tmp_path):
    folder = tmp_path / "mine"
    copy_sample(folder)
    library = load(folder)
    assert library.questions() == load().questions()
    assert library.question_problems() == []
    # The ids of the sample's workspace are not those of another one.
    assert library.channel_names() == ["floor", "operations", "sales", "stock"]
    assert not list(folder.rglob("*.py"))


def test_the_sample_is_copied_on_request_and_nothing_is_asked(folder):
    result = run("mine", "--sample")
    assert result.exit_code == 0, result.output
    assert "low_stock" in load(Path("mine")).playbooks
    assert not Path(".env").exists()
