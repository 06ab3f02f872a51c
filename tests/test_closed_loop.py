"""Closed loops: what is written in one place and must be true in another."""

import ast
import functools
import inspect
import json
import re
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from bot import settings
from bot.cases import errors
from bot.cases.entries import BODIES
from handlers.cards import ids
from knowledge.library import load
from tests.conftest import SHARED
from tests.measures import names as name_measures
from tests.measures import sentences
from tests.measures.source import read_files

ROOT = Path(__file__).parent.parent
SOURCE = {
    path: path.read_text()
    for room in ("bot", "handlers", "knowledge", "scheduler")
    for path in (ROOT / room).rglob("*.py")
}
README = (ROOT / "README.md").read_text()


def named(prefix):
    return {
        value
        for name, value in vars(ids).items()
        if isinstance(value, str) and value.startswith(prefix) and name.isupper()
    }


def test_every_button_and_form_has_a_listener_and_the_reverse():
    from slack_bolt import App
    from slack_sdk import WebClient

    from bot.desk.conversation import Conversation
    from handlers.slack.app import register
    from handlers.slack.services import QuestionServices, SlackServices

    app = App(
        client=WebClient("xoxb-x"),
        token_verification_enabled=False,
        request_verification_enabled=False,
    )
    heard = {"action": set(), "view": set(), "shortcut": set(), "command": set(), "event": set()}
    for sort, names in heard.items():
        setattr(app, sort, lambda name, names=names: names.add(name) or (lambda listener: listener))
    services = dict.fromkeys(SlackServices.__dataclass_fields__)
    services["conversation"] = Conversation(**dict.fromkeys(Conversation.__dataclass_fields__))
    services["questions"] = QuestionServices(log=None, reviews=None)
    register(app, SlackServices(**services))
    pressed = named("case.") | named("home.") | named("answer.") | named("raise.")
    pressed |= named("question.") | named("inquiry.") | set(ids.INQUIRY_CHOICES)
    assert heard["action"] == pressed
    assert heard["view"] == named("form.")
    features = YAML(typ="safe").load((ROOT / "manifest.yml").read_text())["features"]
    assert heard["shortcut"] == {one["callback_id"] for one in features["shortcuts"]}
    assert heard["command"] == {one["command"] for one in features["slash_commands"]}


def test_every_listener_is_for_something_that_is_drawn():
    drawn = "".join(
        text
        for path, text in SOURCE.items()
        if path.parent.name == "cards" and path.name != "ids.py"
    )
    constants = {
        name for name, value in vars(ids).items() if isinstance(value, str) and name.isupper()
    }
    # Slack itself draws the shortcuts.
    constants -= {"FROM_MESSAGE", "FROM_ANYWHERE"}
    assert {name for name in constants if f"ids.{name}" not in drawn} == set()


def test_the_manifest_is_valid_and_asks_for_what_is_used_and_nothing_more():
    manifest = YAML(typ="safe").load((ROOT / "manifest.yml").read_text())
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    needed = {
        "chat.postMessage": "chat:write",
        "chat.update": "chat:write",
        "conversations_open": "im:write",
        "conversations_history": "channels:history",
        "users.info": "users:read",
        "conversations.members": "channels:read",
        "assistant.threads.setSuggestedPrompts": "assistant:write",
        "usergroups.list": "usergroups:read",
        "users.lookupByEmail": "users:read.email",
    }
    everything = "".join(SOURCE.values())
    for call, scope in needed.items():
        assert call in everything, call
        assert scope in scopes, scope
    # The same in a private channel or a direct message; hearing a mention, a reaction, a command and
    # a shortcut.
    heard = {"app_mentions:read", "reactions:read", "commands"}
    assert scopes - set(needed.values()) == {"groups:history", "im:history", "groups:read", *heard}
    events = {
        event.partition(".")[0]
        for event in manifest["settings"]["event_subscriptions"]["bot_events"]
    }
    assert events == set(re.findall(r'app\.event\("(\w+)"\)', everything))
    if SHARED.exists():
        schema = json.loads((SHARED / "data/slack_payloads/manifest.schema.1.0.0.json").read_text())
        jsonschema.Draft7Validator(schema).validate(manifest)


def test_the_slack_cli_gets_the_manifest_from_us():
    hooks = json.loads((ROOT / ".slack/hooks.json").read_text())["hooks"]
    assert hooks["get-manifest"] == "python -m bot manifest"


def test_every_setting_is_in_the_readme_and_the_reverse():
    in_code = set(
        re.findall(r'"((?:COUNTERSIGN|SLACK|OTEL)_[A-Z_]+)"', inspect.getsource(settings))
    )
    assert in_code - set(settings.OAUTH_VARIABLES) == set(settings.NAMES)
    table = README.split("| setting | meaning |")[1].split("\n\n")[0]
    in_readme = set(re.findall(r"`((?:COUNTERSIGN|SLACK|OTEL)_[A-Z_]+)`", table))
    assert in_readme == set(settings.NAMES)


def test_every_setting_is_read():
    code = "".join(text for path, text in SOURCE.items() if path.name != "settings.py")
    properties = {
        "trusted_proxy_names": "trusted_proxies",
        "api_token": "api_tokens",
        "api_token_old": "api_tokens",
        "slack_signing_secret": "slack_signing_secrets",
        "slack_signing_secret_old": "slack_signing_secrets",
        "installation_key": "installation_keys",
        "installation_key_old": "installation_keys",
        "otlp_endpoint": "traces_url",
        "otlp_traces_endpoint": "traces_url",
        "otel_sdk_disabled": "traces_url",
        # Read before there are settings.
        "env_file": "add_env_file",
    }
    fields = {properties.get(field, field) for field in settings.Settings.model_fields}
    assert {field for field in fields if f"settings.{field}" not in code} == set()


def test_every_error_is_in_the_drawn_tree_and_the_reverse():
    drawn = set(re.findall(r"^\s*[*+.-] (\w+)", errors.__doc__, re.MULTILINE))
    defined = {
        name
        for name, thing in vars(errors).items()
        if inspect.isclass(thing) and issubclass(thing, errors.CountersignError)
    }
    assert drawn == defined


def test_every_word_of_the_glossary_is_in_the_code():
    table = README.split("## Words")[1].split("## ")[0]
    words = set()
    for row in table.splitlines():
        if row.startswith("|") and "---" not in row and "word" not in row:
            words |= {word.strip() for word in row.split("|")[1].split(",")} | set(
                re.findall(r"\*\*(.+?)\*\*", row)
            )
    code = "".join(SOURCE.values()).lower() + " ".join(str(path).lower() for path in SOURCE)
    missing = {
        word
        for word in words
        if word.rstrip("s").replace(" ", "_").lower() not in code
        and word.rstrip("s").lower() not in code
    }
    assert missing == set()


BANNED = {
    "utils",
    "helpers",
    "common",
    "misc",
    "base",
    "manager",
    "handler_impl",
    "data",
    "info",
    "process",
}


@functools.cache
def program():
    """Parse the program once for all tests that look at its trees."""
    return read_files(["bot", "handlers", "knowledge", "scheduler"])


def test_no_module_or_function_has_a_name_that_says_nothing():
    for file in program():
        assert Path(file.path).stem not in BANNED, file.path
        for node in file.nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.name.lower() not in BANNED, f"{file.path}: {node.name}"
                assert not node.name.startswith("do_"), f"{file.path}: {node.name}"


def test_every_module_says_what_it_is():
    assert [file.path for file in program() if not ast.get_docstring(file.tree)] == []


def test_functions_fit_on_a_screen():
    lengths = []
    for file in program():
        for node in file.functions:
            name = f"{Path(file.path).name}:{node.name}"
            lengths.append((node.end_lineno - node.lineno + 1, name))
    lengths.sort()
    assert lengths[int(len(lengths) * 0.95)][0] <= 30
    assert [name for length, name in lengths if length > 110 and "m0001" not in name] == []


def test_the_code_speaks_the_words_of_the_field():
    files = program()
    assert name_measures.participles(files)[1] == []
    assert name_measures.duplicate_classes(files) == []
    assert name_measures.superlatives(files) == []
    assert name_measures.single_letter_aliases(files)[0] == []
    assert sentences.clause_openings(sentences.first_lines(files)) == []


def test_every_playbook_loads_and_there_are_the_eight_of_the_sample_company():
    library = load()
    assert {
        "booking_no_cover",
        "low_stock",
        "service_note_open",
        "lead_cold",
        "renewal_due",
        "invoice_no_order",
        "shipment_mismatch",
        "task_no_evidence",
    } <= set(library.playbooks)
    actions = {offer.action for playbook in library.playbooks.values() for offer in playbook.offers}
    assert actions <= set(library.rules.actions)


@pytest.mark.parametrize("command", re.findall(r"^    (make \w+)", README, re.MULTILINE))
def test_the_commands_of_the_readme_exist(command):
    assert re.search(rf"^{command.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_ledgers_names_are_for_ever():
    """A released name keeps its meaning: taking one away, or renaming it, would make old ledgers unreadable."""
    assert set(BODIES) >= {
        "case.opened",
        "signal.recurred",
        "signal.cleared",
        "signal.marked_clear",
        "signal.conflicted",
        "evidence.gathered",
        "plan.recommended",
        "case.referred",
        "approval.given",
        "approval.withdrawn",
        "plan.authorised",
        "plan.rejected",
        "plan.edited",
        "case.handed_over",
        "case.snoozed",
        "case.woken",
        "case.escalated",
        "case.expired",
        "step.started",
        "step.reported",
        "plan.drifted",
        "plan.stopped",
        "step.parked",
        "step.settled",
        "case.resolved",
        "case.reopened",
        "attempt.refused",
        "case.claimed",
        "case.reminded",
        "plan.undo_asked",
        "desk.paused",
        "desk.resumed",
        "delegation.given",
        "delegation.ended",
        "glass.broken",
        "glass.reviewed",
    }


WALL_CLOCK = (
    "datetime.now(",
    "utcnow(",
    "date.today(",
    "time.time(",
    "time.gmtime(",
    "time.localtime(",
)


def test_no_pickle_no_eval_and_no_second_reader_of_clock_or_environment():
    for path, text in SOURCE.items():
        for word in ("pickle", "eval(", "exec(", "os.environ", *WALL_CLOCK):
            allowed = {"os.environ": "settings.py", **dict.fromkeys(WALL_CLOCK, "clock.py")}.get(
                word
            )
            assert word not in text or path.name == allowed or "emulator" in path.parts, (
                f"{path}: {word}"
            )
