"""``countersign send``: the rows of a file become cases, once."""

import io
import json
import sys
from contextlib import closing

import pytest

from bot import storage
from bot.cases.errors import Refusal
from bot.cli.app import COUNTERSIGN
from bot.settings import load_offline
from tests.conftest import SHARED

INVOICES = (
    "number,customer,total,currency,due\n"
    "4711,Acme Ltd,1200.50,EUR,2026-11-01\n"
    '4712,"Brown & Co",80,EUR,2026-11-03\n'
)
MAPS = [
    *("--map", "title=Invoice {number} of {customer} is late", "--map", "subject=invoice:{number}"),
    *("--map", "key=number", "--map", "amount=total", "--map", "currency=currency"),
    *("--map", "occurred_at=due"),
]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in a folder of its own, and return its status and what it prints."""
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments) -> tuple[int, str]:
        status = COUNTERSIGN(["send", *map(str, arguments)], standalone_mode=False)
        return status, capsys.readouterr().out

    return run


@pytest.fixture
def invoices(tmp_path):
    path = tmp_path / "invoices.csv"
    path.write_text(INVOICES)
    return path


def cases():
    store = storage.open_store(load_offline())
    with closing(store.database):
        return [store.cases.case(f"EX-{number}") for number in range(1, 1 + count(store))]


def count(store) -> int:
    return store.cases.last_case_number()


def test_each_row_is_a_case_with_its_columns_as_facts(run, invoices):
    status, text = run(invoices, *MAPS)
    assert (status, text) == (0, "2 rows: 2 opened.\n")
    first, second = cases()
    assert first.signal.title == "Invoice 4711 of Acme Ltd is late"
    assert first.signal.subject == "invoice:4711"
    assert (first.signal.facts["amount"], first.signal.facts["currency"]) == (1200.5, "EUR")
    assert first.signal.facts["customer"] == "Acme Ltd"
    assert f"{first.signal.occurred_at:%Y-%m-%d}" == "2026-11-01"
    assert second.signal.title == "Invoice 4712 of Brown & Co is late"


def test_a_file_that_is_sent_again_counts_nothing_twice_and_a_changed_row_counts_once(
    run, invoices
):
    run(invoices, *MAPS)
    assert run(invoices, *MAPS) == (0, "2 rows: 2 sent before.\n")
    invoices.write_text(INVOICES.replace("80,", "95,"))
    assert run(invoices, *MAPS) == (0, "2 rows: 1 counted, 1 sent before.\n")
    assert [case.activity.signal_count for case in cases()] == [1, 2]


def test_bad_rows_are_told_by_their_line_and_keep_nothing_up(run, invoices):
    invoices.write_text(INVOICES + "4713,Broken,1,EUR,2026-11-03,extra\n,,,,\n4714,Good,1,EUR,\n")
    status, text = run(invoices, *MAPS, "--json")
    summary = json.loads(text)
    assert status == 1
    assert summary["signals"] == {"opened": 3}
    assert [row["line"] for row in summary["rejected"]] == [4, 5]
    assert "more cells than the header" in summary["rejected"][0]["reason"]
    assert "neither a subject nor a title" in summary["rejected"][1]["reason"]


def test_cells_that_a_spreadsheet_would_compute_stay_text(run, invoices):
    evil = '=HYPERLINK("http://evil.example","x")'
    invoices.write_text(f'number,customer\n1,"{evil.replace(chr(34), chr(34) * 2)}"\n')
    run(invoices, "--map", "title=Late: {customer}", "--map", "subject=number")
    (case,) = cases()
    assert case.signal.facts["customer"] == evil
    assert case.signal.title == f"Late: {evil}"


def test_rows_come_from_standard_input_too(run, monkeypatch):
    lines = b'{"id": 7, "what": "Door is open"}\nnot json\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    status, text = run("-", "--format", "jsonl", "--map", "title=what", "--map", "subject=id")
    assert status == 1
    assert "line 2: is not JSON" in text
    assert [case.signal.title for case in cases()] == ["Door is open"]


def test_a_document_of_a_product_is_read_by_its_preset(run, tmp_path):
    results = tmp_path / "run_results.json"
    timing = [{"name": "execute", "completed_at": "2026-11-26T05:00:05Z"}]
    node = {"unique_id": "test.shop.not_null_id.a1", "timing": timing, "failures": 3}
    document = {"metadata": {"invocation_id": "r1"}, "results": [{**node, "status": "fail"}]}
    results.write_text(json.dumps(document))
    assert run(results, "--product", "dbt_run_results")[1] == "1 rows: 1 opened.\n"
    document = {"metadata": {"invocation_id": "r2"}, "results": [{**node, "status": "pass"}]}
    results.write_text(json.dumps(document))
    assert run(results, "--product", "dbt_run_results")[1] == "1 rows: 1 cleared.\n"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "say one of --source, --product and --map"),
        (["--source", "api"], "sources.yml has no source api with a mapping"),
        (["--product", "nobody"], "there is no preset nobody"),
        (["--map", "title=number"], "say --map subject="),
        (["--map", "title=nix", "--map", "subject=number"], "the file has no column 'nix'"),
        (["--map", "colour=number"], "the fields are key, subject"),
        ([*MAPS, "--kind", "nix"], "there is no kind nix"),
        ([*MAPS, "--name", "stripe"], "sources.yml has a source stripe"),
        (["--map", "title={item.}", "--map", "subject=number"], "--map"),
    ],
)
def test_a_mistake_is_told_with_what_to_say_instead(run, invoices, arguments, hint):
    with pytest.raises(Refusal, match=hint):
        run(invoices, *arguments)
    assert cases() == []


def test_rows_of_hostile_text_are_sent_as_they_are(run, tmp_path):
    texts = SHARED / "data/hostile_text/naughty_strings.json"
    if not texts.exists():
        pytest.skip("the set of hostile texts is not there")
    # A quarter of them, of every sort: each is a whole case.
    rows = [text for text in json.loads(texts.read_text()) if text.strip()][::4]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"n": n, "t": t}) + "\n" for n, t in enumerate(rows)))
    status, text = run(path, "--map", "title=Row {n}: {t}", "--map", "subject=row:{n}", "--json")
    assert status == 0
    assert json.loads(text)["signals"] == {"opened": len(rows)}
