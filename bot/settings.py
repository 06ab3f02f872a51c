"""The only reader of the environment. Settings are frozen; what is missing is told as a to-do list before anything starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from bot.cases.errors import SettingsIncomplete

PACKAGED_LIBRARY = Path(__file__).parent.parent / "knowledge"
REAL_SLACK = "https://slack.com/api/"


class Signer(StrEnum):
    """on: this process signs the ledger. elsewhere: another process does, under a role that only reads; this one compares."""

    ON = "on"
    ELSEWHERE = "elsewhere"


class Mode(StrEnum):
    """shadow: recommend, carry out nothing. dry-run: everything but the last touch. live: carry out what was approved."""

    SHADOW = "shadow"
    DRY_RUN = "dry-run"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting is in README.md (a test says so)."""

    database_url: str
    data_dir: Path
    library_dir: Path
    slack_bot_token: str
    slack_app_token: str
    slack_signing_secrets: tuple[str, ...]
    slack_api_url: str
    slack_per_second: float
    slack_burst: int
    storm_after: int
    settle_for: float
    lease_for: float
    checkpoints: Signer
    checkpoints_dir: Path
    api_tokens: tuple[str, ...]
    host: str
    port: int
    connections_per_address: int
    public_url: str
    mode: Mode
    origin: str
    log_level: str
    embeddings: str
    chroma_url: str
    chat_model: str
    chat_url: str
    chat_per_day: int
    secrets: Mapping[str, str]

    def secret(self, name: str) -> str:
        """The secret that a YAML file asks for by name; empty when it is not set."""
        return self.secrets.get(name, "")


NAMES = {
    "COUNTERSIGN_DATABASE_URL": "where cases and the ledger live; default: SQLite in the data folder",
    "COUNTERSIGN_DATA_DIR": "folder for the database and the signed checkpoints; default: .countersign",
    "COUNTERSIGN_LIBRARY_DIR": "folder of playbooks/ and the .yml files that go with it; default: the packaged sample",
    "COUNTERSIGN_MODE": "shadow, dry-run (default) or live",
    "COUNTERSIGN_HOST": "address of the HTTP intake; default 127.0.0.1",
    "COUNTERSIGN_PORT": "port of the HTTP intake; default 8080",
    "COUNTERSIGN_CONNECTIONS_PER_ADDRESS": "open connections to the intake from one address; default 64, 0 behind a proxy",
    "COUNTERSIGN_PUBLIC_URL": "where people reach the page for passkeys, https://…; default http://localhost and the port",
    "COUNTERSIGN_API_TOKEN": "bearer token for reading cases over HTTP",
    "COUNTERSIGN_API_TOKEN_OLD": "the one before, while it is being changed",
    "COUNTERSIGN_CHECKPOINTS": "on (the default), or elsewhere: another process signs the ledger, and this one only compares",
    "COUNTERSIGN_CHECKPOINTS_DIR": "folder of the signed checkpoints; default: checkpoints in COUNTERSIGN_DATA_DIR",
    "COUNTERSIGN_ORIGIN": "name of this ledger in its checkpoints; default countersign",
    "COUNTERSIGN_LOG_LEVEL": "INFO (default), WARNING or DEBUG",
    "COUNTERSIGN_LEASE_FOR": "seconds that work stays with a worker that gives no sign of life; more than any timeout in systems.yml; default 30",
    "COUNTERSIGN_SETTLE_FOR": "seconds to wait before looking for a message whose posting is in doubt; default 30",
    "COUNTERSIGN_SLACK_PER_SECOND": "messages a second to one channel; default 1, 0 for no pacing",
    "COUNTERSIGN_SLACK_BURST": "messages to one channel before pacing begins; default 10",
    "COUNTERSIGN_EMBEDDINGS": "another embedder than the built-in one, by LangChain's name for it; `words` for none",
    "COUNTERSIGN_CHROMA_URL": "a Chroma server, when several processes share the memory",
    "COUNTERSIGN_CHAT_MODEL": "a chat model by LangChain's name for it, like openai:gpt-5-mini; default: none",
    "COUNTERSIGN_CHAT_URL": "where that model is served, if not by its provider",
    "COUNTERSIGN_CHAT_PER_DAY": "how many cases a day it may be asked about; default 500",
    "COUNTERSIGN_STORM_AFTER": "cards of one kind from one source within ten minutes before the rest share one; default 30, 0 for never",
    "SLACK_BOT_TOKEN": "xoxb-…, from the app's page at Slack",
    "SLACK_APP_TOKEN": "xapp-…, for Socket Mode",
    "SLACK_SIGNING_SECRET": "instead of SLACK_APP_TOKEN: Slack sends over HTTP to /slack/events",
    "SLACK_SIGNING_SECRET_OLD": "the one before, while it is being changed",
    "SLACK_API_URL": "another Slack than the real one: the emulator's /api/",
}


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings from the environment.

    Raises:
        SettingsIncomplete: a to-do list, one line for each thing that is missing or wrong.
    """
    given = dict(os.environ if environment is None else environment)
    todo: list[str] = []

    def number(name: str, default: float, least: float) -> float:
        text = given.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = least - 1
        if value < least:
            todo.append(f"{name} must be a number of at least {least:g}, not {text!r}")
        return value

    data_dir = Path(given.get("COUNTERSIGN_DATA_DIR", ".countersign")).resolve()
    todo += _slack_todo(given)
    port = number("COUNTERSIGN_PORT", 8080, 0)
    mode = given.get("COUNTERSIGN_MODE", Mode.DRY_RUN)
    if mode not in list(Mode):
        todo.append(f"COUNTERSIGN_MODE must be one of {', '.join(Mode)}, not {mode!r}")
    signer = given.get("COUNTERSIGN_CHECKPOINTS") or Signer.ON
    if signer not in list(Signer):
        todo.append(f"COUNTERSIGN_CHECKPOINTS must be one of {', '.join(Signer)}, not {signer!r}")
    settings = Settings(
        database_url=given.get("COUNTERSIGN_DATABASE_URL")
        or f"sqlite:///{data_dir / 'countersign.db'}",
        data_dir=data_dir,
        library_dir=Path(given.get("COUNTERSIGN_LIBRARY_DIR") or PACKAGED_LIBRARY),
        slack_bot_token=given.get("SLACK_BOT_TOKEN", ""),
        slack_app_token=given.get("SLACK_APP_TOKEN", ""),
        slack_signing_secrets=_present(given, "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET_OLD"),
        slack_api_url=given.get("SLACK_API_URL") or REAL_SLACK,
        slack_per_second=number("COUNTERSIGN_SLACK_PER_SECOND", 1, 0),
        slack_burst=int(number("COUNTERSIGN_SLACK_BURST", 10, 1)),
        storm_after=int(number("COUNTERSIGN_STORM_AFTER", 30, 0)),
        settle_for=number("COUNTERSIGN_SETTLE_FOR", 30, 0.1),
        lease_for=number("COUNTERSIGN_LEASE_FOR", 30, 1),
        checkpoints=Signer(signer) if signer in list(Signer) else Signer.ON,
        checkpoints_dir=Path(
            given.get("COUNTERSIGN_CHECKPOINTS_DIR") or data_dir / "checkpoints"
        ).resolve(),
        api_tokens=_present(given, "COUNTERSIGN_API_TOKEN", "COUNTERSIGN_API_TOKEN_OLD"),
        host=given.get("COUNTERSIGN_HOST", "127.0.0.1"),
        port=int(port),
        connections_per_address=int(number("COUNTERSIGN_CONNECTIONS_PER_ADDRESS", 64, 0)),
        public_url=_public_url(given.get("COUNTERSIGN_PUBLIC_URL", ""), int(port), todo),
        mode=Mode(mode) if mode in list(Mode) else Mode.DRY_RUN,
        origin=given.get("COUNTERSIGN_ORIGIN", "countersign"),
        log_level=given.get("COUNTERSIGN_LOG_LEVEL", "INFO").upper(),
        embeddings=given.get("COUNTERSIGN_EMBEDDINGS", ""),
        chroma_url=given.get("COUNTERSIGN_CHROMA_URL", ""),
        chat_model=given.get("COUNTERSIGN_CHAT_MODEL", ""),
        chat_url=given.get("COUNTERSIGN_CHAT_URL", ""),
        chat_per_day=int(number("COUNTERSIGN_CHAT_PER_DAY", 500, 0)),
        secrets=given,
    )
    if todo:
        raise SettingsIncomplete(
            "To do before Countersign can start:\n" + "\n".join(f"  • {line}" for line in todo)
        )
    return settings


def offline(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings for commands that speak to no Slack: tokens may be missing."""
    given = dict(os.environ if environment is None else environment)
    return load({"SLACK_BOT_TOKEN": "xoxb-none", "SLACK_APP_TOKEN": "xapp-none", **given})


def inherited(*names: str) -> dict[str, str]:
    """These variables as this process has them, for one that it starts."""
    return {name: os.environ[name] for name in names if name in os.environ}


def _public_url(url: str, port: int, todo: list[str]) -> str:
    """Passkeys work over https alone, and on this very machine."""
    asked = urlsplit(url or f"http://localhost:{port}")
    if (asked.scheme, asked.hostname) != ("http", "localhost") and (
        asked.scheme != "https" or not asked.hostname
    ):
        todo.append(
            f"COUNTERSIGN_PUBLIC_URL must begin with https:// (passkeys work nowhere else), not {url!r}"
        )
    return f"{asked.scheme}://{asked.netloc}"


def _slack_todo(given: Mapping[str, str]) -> list[str]:
    todo = []
    if not given.get("SLACK_BOT_TOKEN", "").startswith("xoxb-"):
        todo.append(
            "set SLACK_BOT_TOKEN to the bot token of your Slack app (xoxb-…); or try `countersign demo`, which needs none"
        )
    if not given.get("SLACK_APP_TOKEN") and not given.get("SLACK_SIGNING_SECRET"):
        todo.append("set SLACK_APP_TOKEN (xapp-…, Socket Mode) or SLACK_SIGNING_SECRET (HTTP)")
    if given.get("SLACK_CLIENT_ID") or given.get("SLACK_CLIENT_SECRET"):
        # With these in the environment the SDK silently switches to OAuth and ignores the bot token.
        todo.append(
            "unset SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: they would make the SDK ignore SLACK_BOT_TOKEN"
        )
    return todo


def _present(given: Mapping[str, str], *names: str) -> tuple[str, ...]:
    return tuple(given[name] for name in names if given.get(name))
