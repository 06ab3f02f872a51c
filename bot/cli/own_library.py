"""The small library that ``countersign init`` writes for one's own company."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.cases.plan import SYMBOLS
from bot.cli.company_tables import plain_letters
from bot.cli.proposals import PlaybookProposal
from bot.settings import DEFAULT_ENV_FILE, PACKAGED_LIBRARY
from knowledge.library import load

#: Currencies without a smaller coin: one of their unit buys little.
SMALL_UNITS = frozenset(
    {"CLP", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"}
)
SYSTEM = "company"
DATABASE_VARIABLE = "COMPANY_DATABASE_URL"
#: What people are called together in policy.yml, where no user group is named.
LISTED_GROUP = "approvers"
SCHEMAS = "schemas"
_SAFE_VALUE = re.compile(r"[\w:/.@%+?=&,~-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The choices that somebody has made for their company."""

    proposal: PlaybookProposal
    currency: str
    #: Where cards go, and what people call that channel; empty where that is its name.
    channel: str
    channel_title: str
    zone: str
    #: The user group of those who approve; empty where people are named.
    group: str
    people: tuple[str, ...] = ()

    @property
    def approvers(self) -> str:
        """Return the group that approves."""
        return self.group or LISTED_GROUP


def write_library(folder: Path, choices: Choices) -> None:
    """Write the files, load them, and put them into place.

    Raises:
        PlaybookInvalid: what was chosen is refused; nothing is written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".countersign-") as scratch:
        draft = Path(scratch) / "library"
        (draft / "playbooks").mkdir(parents=True)
        proposal = choices.proposal
        files = {
            "policy.yml": _policy(choices),
            "systems.yml": _systems(choices),
            "channels.yml": _channels(choices),
            "sources.yml": SOURCES,
            f"playbooks/{proposal.kind}.yml": _playbook(choices),
        }
        for name, text in files.items():
            (draft / name).write_text(schema_line(name) + text, encoding="utf-8")
        if (PACKAGED_LIBRARY / SCHEMAS).is_dir():
            shutil.copytree(PACKAGED_LIBRARY / SCHEMAS, draft / SCHEMAS)
        load(draft)
        draft.rename(folder)


def schema_line(name: str) -> str:
    """Return the line by which editors know the schema of a file."""
    if name.startswith("playbooks/"):
        return f"# yaml-language-server: $schema=../{SCHEMAS}/playbook.json\n"
    return f"# yaml-language-server: $schema={SCHEMAS}/{Path(name).stem}.json\n"


# --- files ----------------------------------------------------------------------------------------


def _in_quotes(text: str) -> str:
    """Write a text in YAML on one line."""
    return json.dumps(text, ensure_ascii=False)


def _block(text: str, indent: int) -> str:
    """Write a query in YAML, line by line."""
    margin = " " * indent
    return "|\n" + "\n".join(margin + line for line in text.splitlines())


def _risk_bounds(currency: str) -> tuple[int, int]:
    """Return the amounts above which risk is medium and high."""
    factor = 100 if currency in SMALL_UNITS else 1
    return 250 * factor, 2_500 * factor


def _policy(choices: Choices) -> str:
    medium, high = _risk_bounds(choices.currency)
    count = 2 if choices.group else min(2, len(choices.people))
    groups = f"groups: {{{LISTED_GROUP}: [{', '.join(choices.people)}]}}\n"
    names = "" if choices.group else f"# The people of a group, by Slack id or e-mail.\n{groups}"
    group = choices.approvers
    return f"""\
# Limits, and who must approve. A plan that moves more money is of higher risk.
currency: {choices.currency}
medium_above: {medium}
high_above: {high}
{names}tiers:
  low: {{approvers: [{{group: {group}}}], expires: 24h}}
  medium: {{approvers: [{{group: {group}}}], expires: 24h}}
  # Name a second group here when you have one.
  high: {{approvers: [{{group: {group}, count: {count}}}], expires: 8h}}
# An action that is not listed here never runs.
actions:
  {SYSTEM}.{choices.proposal.action.name}: {{times_per_day: 50}}
"""


def _systems(choices: Choices) -> str:
    proposal, action = choices.proposal, choices.proposal.action
    kind = "integer" if proposal.key.python_type is int else "text"
    parameter = action.parameter
    noun = proposal.table.noun
    money = f"\n        amount: {action.amount}\n        currency: {choices.currency}"
    return f"""\
# Your systems, and all that may be done in them.
# Secrets are only named here; they are set in {DEFAULT_ENV_FILE}.
systems:
  {SYSTEM}:
    title: company database
    connector: sql
    url_env: {DATABASE_VARIABLE}
    timeout: 5s # limit of one whole call
    actions:
      {action.name}:
        title: {_in_quotes(action.title)}
        parameters: {{row_key: {kind}, {parameter.name}: {parameter.kind}}}
        titles:
          row_key: {_in_quotes(noun.capitalize())}
          {parameter.name}: {_in_quotes(parameter.title)}
        target: {_in_quotes(f"{plain_letters(noun).replace(' ', '_')}:{{row_key}}")}
        summary: {_in_quotes(action.summary)}
        done: {_in_quotes(action.past_summary)}
        preview: {_in_quotes(action.preview)}{money if action.amount else ""}
        # What the card shows, and what must still be so when it is carried out.
        precondition: {_block(action.precondition, 10)}
        statement: {_block(action.statement, 10)}
        undo_for: 30m
        undo: {_block(action.undo, 10)}
"""


def _playbook(choices: Choices) -> str:
    proposal, action = choices.proposal, choices.proposal.action
    parameter, group = action.parameter, choices.approvers
    limits = ""
    if parameter.name == "new_date":
        limits = "\n    limits: {new_date: {min: row.earliest}}"
    return f"""\
# An exception: {proposal.meaning}.
kind: {proposal.kind}
title: {_in_quotes(proposal.title)}
channel: {_in_quotes(choices.channel)}
# How people would report it: recognition learns from these sentences.
examples:
{_examples(proposal)}
# Each row is one case; a row that is gone clears its case. :now is the time, in UTC.
signal:
  system: {SYSTEM}
  every: 60s
  query: {_block(proposal.query, 4)}
what: {_in_quotes(proposal.what)}
evidence:
  - name: row
    system: {SYSTEM}
    query: {_block(proposal.evidence, 6)}
    parameters: {{row_key: signal.row_key}}
    show: {{{", ".join(f"{name}: {_in_quotes(label)}" for name, label in proposal.labels.items())}}}
stake: {_stake(choices)}
actions:
  - action: {SYSTEM}.{action.name}
    parameters: {{row_key: signal.row_key, {parameter.name}: {parameter.expression}}}
    edit: [{parameter.name}]{limits}
    reason: {_in_quotes(proposal.reason)}
approval: {{expires: 24h}}
# Who answers for this kind: name other groups when you have them.
owners:
  business: {group}
  operations: {group}
  technical: {group}
  governance: {group}
  next: {group}
measure:
  decide_for: 8h
  resolve_for: 48h
  follow_up_for: 10m{_denominator(proposal)}
"""


def _examples(proposal: PlaybookProposal) -> str:
    return "\n".join(f"  - {_in_quotes(example)}" for example in proposal.examples)


def _stake(choices: Choices) -> str:
    fact, noun = choices.proposal.stake, choices.proposal.table.noun
    if not fact:
        return f"{{why: {_in_quotes(f'Every {noun} that is left so is work or money lost.')}}}"
    sign = SYMBOLS.get(choices.currency, f"{choices.currency} ")
    why = _in_quotes(f"{sign}{{row.{fact}}} depend on this {noun}.")
    return f"{{amount: row.{fact}, currency: {choices.currency}, why: {why}}}"


def _denominator(proposal: PlaybookProposal) -> str:
    """Count the rows of a period, by when each began."""
    if proposal.counted_by is None:
        return ""
    sql = proposal.sql
    day = sql.day(sql.quote(proposal.counted_by.name))
    query = (
        f"SELECT COUNT(*) AS number FROM {sql.quote(proposal.table.name)}\n"
        f"WHERE {day} >= {sql.day(':since')} AND {day} < {sql.day(':until')}"
    )
    return f"""
  # What the cases are counted against.
  denominator:
    name: {_in_quotes(f"{proposal.table.noun} rows")}
    system: {SYSTEM}
    query: {_block(query, 6)}"""


def _channels(choices: Choices) -> str:
    titles = f"{{{_in_quotes(choices.channel)}: {_in_quotes(choices.channel_title)}}}"
    if not choices.channel_title:
        titles = "{}"
    return f"""\
# Working hours in local time: reminders, calls and the daily digest keep to them.
default:
  zone: {choices.zone}
  days: [mon, tue, wed, thu, fri]
  open: "08:00-18:00"
  digest: "09:00"
# What people call a channel that is named by its id: cards and messages name it so.
titles: {titles}
"""


SOURCES = """\
# Systems that send signals by themselves; `countersign sources add PRODUCT` adds one that is known.
#   till: {format: signal, token_env: [COUNTERSIGN_SOURCE_TILL_TOKEN]}
sources: {}
"""

# --- settings -------------------------------------------------------------------------------------


def env_lines(folder: Path, *, database_url: str, bot_token: str, app_token: str) -> str:
    """Return the settings that are needed, with what each is."""
    return f"""\
# Settings of Countersign: its commands read this file in the folder from which they are run.
# It holds secrets. Keep it out of version control; the environment wins over it.

# Bot token (xoxb-...), at api.slack.com/apps > your app > OAuth & Permissions.
SLACK_BOT_TOKEN={_env_value(bot_token)}
# App token (xapp-...) with connections:write, at > Basic Information > App-Level Tokens.
SLACK_APP_TOKEN={_env_value(app_token)}
# The folder with your playbooks, policy and systems.
COUNTERSIGN_LIBRARY_DIR={_env_value(str(folder.resolve()))}
# Your company's database, which systems.yml names. A role with few rights is best.
{DATABASE_VARIABLE}={_env_value(database_url)}
# shadow: recommend only. dry-run: everything except the change itself. live: carry out.
COUNTERSIGN_MODE=dry-run
"""


def _env_value(text: str) -> str:
    if _SAFE_VALUE.fullmatch(text):
        return text
    value = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{value}'"


def write_env_file(path: Path, text: str) -> bool:
    """Write a file that only its owner reads.

    False if there is one.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def ignore_in_git(path: Path, names: Sequence[str]) -> None:
    """Add the names that ``.gitignore`` does not have yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    missing = [name for name in names if name not in text.splitlines()]
    if not missing:
        return
    start = ""
    if text and not text.endswith("\n"):
        start = "\n"
    with path.open("a", encoding="utf-8") as file:
        file.write(start + "".join(f"{name}\n" for name in missing))
