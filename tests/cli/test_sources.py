"""The sources and products, as an operator lists, shows, adds and tries them."""

import json
from contextlib import closing

import pytest

from bot import storage
from bot.cases.errors import BadRequest, PlaybookInvalid
from bot.cli.app import COUNTERSIGN
from bot.cli.sources_file import add_entry
from bot.clock import utc_now
from bot.settings import load_offline
from knowledge.library import PACKAGED, copy_library, load

REQUEST = {
    "id": "evt_1",
    "type": "payment_intent.payment_failed",
    "created": 1794652200,
    "data": {
        "object": {
            "id": "pi_3",
            "object": "payment_intent",
            "amount": 4200,
            "currency": "usd",
            "description": "Order 1042",
            "client_secret": "pi_3_hush",
        }
    },
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A library of one's own, in the settings."""
    target = tmp_path / "library"
    copy_library(PACKAGED, target)
    monkeypatch.setenv("COUNTERSIGN_LIBRARY_DIR", str(target))
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_PUBLIC_URL", "https://desk.example.com")
    return target


@pytest.fixture
def payload(tmp_path):
    path = tmp_path / "payload.json"
    path.write_text(json.dumps(REQUEST))
    return path


@pytest.fixture
def run(capsys):
    """Run the command, and return what it prints."""

    def run(*arguments) -> str:
        COUNTERSIGN(["sources", *map(str, arguments)], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_the_list_has_sources_with_what_they_left_out_and_the_other_products(folder, run):
    store = storage.open_store(load_offline())
    with closing(store.database):
        store.ignored_requests.count("stripe", "customer.created", utc_now())
        store.ignored_requests.count("stripe", "customer.created", utc_now())
    printed = json.loads(run("list", "--json"))
    stripe = next(one for one in printed["sources"] if one["name"] == "stripe")
    assert stripe == {
        "name": "stripe",
        "product": "Stripe",
        "preset": "stripe",
        "format": "mapping",
        "verification": "hmac in Stripe-Signature",
        "kinds": ["failed_payment"],
        "ignored": 2,
    }
    assert "github" in printed["presets"]
    assert "stripe" not in printed["presets"]
    assert "more products are known" in run("list")


def test_a_source_is_shown_with_its_address_its_secrets_and_what_it_left_out(
    folder, run, monkeypatch
):
    monkeypatch.setenv("COUNTERSIGN_SOURCE_STRIPE_SECRET", "whsec_test")
    store = storage.open_store(load_offline())
    with closing(store.database):
        store.ignored_requests.count("stripe", "customer.created", utc_now())
    shown = json.loads(run("show", "stripe", "--json"))
    assert shown["address"] == "https://desk.example.com/v1/webhooks/stripe"
    assert shown["documentation"] == "https://docs.stripe.com/webhooks"
    assert shown["secrets"] == {
        "COUNTERSIGN_SOURCE_STRIPE_SECRET": True,
        "COUNTERSIGN_SOURCE_STRIPE_SECRET_OLD": False,
    }
    assert shown["mapping"]["key"] == ["body.id"]
    assert [(one["event"], one["count"]) for one in shown["ignored"]] == [("customer.created", 1)]
    text = run("show", "stripe")
    assert "customer.created" in text
    assert "whsec_test" not in text


def test_a_product_is_shown_before_it_is_a_source_and_what_is_neither_is_refused(folder, run):
    shown = json.loads(run("show", "github", "--json"))
    assert (shown["is_configured"], shown["suggested_kind"]) == (False, "failed_run")
    with pytest.raises(PlaybookInvalid, match="there is no preset nobody"):
        run("show", "nobody")


def test_a_product_is_added_and_what_is_still_to_be_done_is_said(folder, run):
    before = (folder / "sources.yml").read_text()
    printed = json.loads(
        run("add", "github", "--name", "builds", "--kind", "service_alert", "--json")
    )
    text = (folder / "sources.yml").read_text()
    assert text.startswith(before)
    source = load(folder).sources["builds"]
    assert (source.preset, source.kind) == ("github", "service_alert")
    steps = " ".join(printed["next"])
    assert "Set COUNTERSIGN_SOURCE_BUILDS_SECRET" in steps
    assert "https://desk.example.com/v1/webhooks/builds" in steps
    assert "Run `countersign check`" in steps
    assert "failed_run" in run("add", "github")
    with pytest.raises(BadRequest, match="has a source github already"):
        run("add", "github")


def test_what_would_break_the_file_is_not_added(folder, run):
    before = (folder / "sources.yml").read_text()
    with pytest.raises(PlaybookInvalid, match="String should match pattern"):
        run("add", "github", "--kind", "Not A Kind")
    assert (folder / "sources.yml").read_text() == before


def test_the_files_of_the_release_are_not_changed(folder, run, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_LIBRARY_DIR", str(PACKAGED))
    with pytest.raises(BadRequest, match="these are the files of the release"):
        run("add", "github")


@pytest.mark.parametrize(
    "text", ["sources: {}\n", "# none yet\nsources:\n", "sources:\n    a: {}\n"]
)
def test_a_source_is_added_to_any_form_of_the_file(tmp_path, text):
    path = tmp_path / "sources.yml"
    path.write_text(text)
    add_entry(path, "builds", preset="github", kind="")
    written = path.read_text()
    assert "builds:" in written
    assert "preset: github" in written
    assert ("# none yet" in written) is ("# none yet" in text)


# --- try ------------------------------------------------------------------------------------------


def test_a_request_is_tried_by_the_preset_of_its_product(folder, run, payload):
    (summary,) = json.loads(run("try", payload, "--product", "stripe", "--json"))
    assert summary["key"].startswith("evt_1@")
    assert (summary["subject"], summary["amount"], summary["currency"]) == (
        "payment_intent:pi_3",
        42,
        "USD",
    )
    assert summary["title"] == "Stripe reports payment intent payment failed: Order 1042"
    assert summary["playbook"] == "unrecognised"
    assert summary["is_guessed"] is False
    assert any("$42.00" in text for text in summary["card"])
    assert not any("<!date" in text for text in summary["card"])
    assert any(" UTC" in text for text in summary["card"])


def test_a_request_of_an_unknown_product_is_guessed_and_the_card_says_so(folder, run, payload):
    (summary,) = json.loads(run("try", payload, "--json"))
    assert summary["title"] == "Payment intent payment failed: Order 1042"
    assert summary["is_guessed"] is True
    assert any("this is a guess" in text for text in summary["card"])
    printed = run("try", payload)
    assert "Payment intent payment failed: Order 1042" in printed
    assert "pi_3_hush" not in printed


@pytest.mark.parametrize(
    "headers", ['{"X-GitHub-Event": "push"}', "X-GitHub-Event: push\nAccept: */*\n"]
)
def test_the_headers_of_a_request_are_read_too(folder, run, tmp_path, headers):
    body, head = tmp_path / "push.json", tmp_path / "headers"
    body.write_text('{"action": "created", "ref": "main"}')
    head.write_text(headers)
    arguments = ("try", body, "--headers", head, "--product", "github", "--json")
    assert json.loads(run(*arguments)) == [
        {
            "outcome": "ignored",
            "reason": "it is not one of those that this source takes",
            "event": "push.created",
        }
    ]


def test_a_configured_source_reads_in_its_own_format(folder, run, payload):
    (summary,) = json.loads(run("try", payload, "--source", "api", "--json"))
    assert (summary["outcome"], summary["status"]) == ("refused", 422)
    with pytest.raises(BadRequest, match="sources.yml has no source nobody"):
        run("try", payload, "--source", "nobody")
    with pytest.raises(BadRequest, match="not both"):
        run("try", payload, "--source", "api", "--product", "stripe")
