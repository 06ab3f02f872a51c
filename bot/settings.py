"""The only reader of the environment.

Settings are frozen, and complete before anything starts.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from annotated_types import Ge
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.cases.errors import SettingsIncomplete
from bot.env_files import FILE_SUFFIX, add_missing, read_env_file, read_secret
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from knowledge.library import presets
else:
    # Read for names that are no settings alone.
    presets = LazyModule("knowledge.library.presets")

PACKAGED_LIBRARY = Path(__file__).parent.parent / "knowledge"
DEFAULT_DATA_DIR = ".countersign"
DEFAULT_PORT = 8080
Network = IPv4Network | IPv6Network
# With these in the environment the Slack SDK silently switches to OAuth and ignores the bot token.
OAUTH_VARIABLES = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
PREFIX = "COUNTERSIGN_"
DEFAULT_ENV_FILE = ".env"
#: Instead of the name of a file.
NO_ENV_FILE = "none"
# Kubernetes sets these for a service that is called "countersign".
_SERVICE_LINK = re.compile(
    r"COUNTERSIGN_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_(ADDR|PORT|PROTO))?)"
)
_SOURCE_NAME = re.compile(r"^\s+([a-z0-9][a-z0-9._-]*):", re.MULTILINE)
_OWN_NAME = re.compile(rf"\b{PREFIX}[A-Z0-9_]+\b")
#: What a deployment of several workspaces cannot do without.
DEPLOYMENT_VARIABLES = (
    "COUNTERSIGN_SLACK_CLIENT_ID",
    "COUNTERSIGN_SLACK_CLIENT_SECRET",
    "SLACK_SIGNING_SECRET",
    "COUNTERSIGN_INSTALLATION_KEY",
    "COUNTERSIGN_PUBLIC_URL",
)


class Signer(StrEnum):
    """The process that signs the ledger.

    on: this one. elsewhere: another one, as a role that only reads; this one compares.
    """

    ON = "on"
    ELSEWHERE = "elsewhere"


class Mode(StrEnum):
    """The limits of what the bot carries out.

    shadow: recommend, carry out nothing. dry-run: everything but the change itself.
    live: carry out what was approved.
    """

    SHADOW = "shadow"
    DRY_RUN = "dry-run"
    LIVE = "live"


class ApproverHealth(StrEnum):
    """A switch for figures about approvers."""

    ON = "on"
    OFF = "off"


class LogFormat(StrEnum):
    """The form of log lines: text for people, json for a collector."""

    TEXT = "text"
    JSON = "json"


class TracesSampler(StrEnum):
    """The cases that are traced.

    Each name has a form for spans with a parent, which no case has.
    """

    ALWAYS_ON = "always_on"
    ALWAYS_OFF = "always_off"
    RATIO = "traceidratio"
    PARENT_ALWAYS_ON = "parentbased_always_on"
    PARENT_ALWAYS_OFF = "parentbased_always_off"
    PARENT_RATIO = "parentbased_traceidratio"

    @property
    def plain(self) -> "TracesSampler":
        """The same without a parent."""
        return TracesSampler(self.removeprefix("parentbased_"))


def _checked_public_url(url: str) -> str:
    """Return scheme and host of a URL that allows passkeys.

    Browsers allow them on https and localhost only.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_local = host == "localhost" or host.endswith(".localhost")
    is_this_machine = parts.scheme == "http" and is_local
    is_secure = parts.scheme == "https" and parts.hostname
    if not is_this_machine and not is_secure:
        raise ValueError(
            f"must begin with https:// (browsers allow passkeys only there), not {url!r}"
        )
    return f"{parts.scheme}://{parts.netloc}"


def _checked_api_url(url: str) -> str:
    """Return a URL without a slash at its end."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"must begin with https:// (or http:// on one machine), not {url!r}")
    return url.rstrip("/")


def _read_networks(value: object) -> object:
    """Read addresses and networks, separated by commas."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"must be networks like 10.1.0.0/16, by commas: {error}") from None


def _check_proxies(networks: tuple[Network, ...]) -> tuple[Network, ...]:
    if any(network.prefixlen == 0 for network in networks):
        raise ValueError("must not trust every address: name the proxies alone")
    return networks


Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_read_networks)]
Proxies = Annotated[Networks, AfterValidator(_check_proxies)]
ResolvedPath = Annotated[Path, AfterValidator(Path.resolve)]
PublicUrl = Annotated[str, AfterValidator(_checked_public_url)]


class _SettingsGroup(BaseSettings):
    """Settings that belong together. ``validation_alias`` is the name of the variable."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what ``load`` passes, and nothing from elsewhere."""
        return (init_settings,)


class StorageSettings(_SettingsGroup):
    """Database, folders and mode."""

    # It may hold a password.
    database_url: str = Field(
        validation_alias="COUNTERSIGN_DATABASE_URL",
        repr=False,
        description="database of cases and ledger; default: SQLite in the data folder",
    )
    data_dir: ResolvedPath = Field(
        Path(DEFAULT_DATA_DIR),
        validation_alias="COUNTERSIGN_DATA_DIR",
        description=(f"folder for database, checkpoints and memory; default: {DEFAULT_DATA_DIR}"),
    )
    library_dir: Path = Field(
        PACKAGED_LIBRARY,
        validation_alias="COUNTERSIGN_LIBRARY_DIR",
        description=("folder of playbooks/ and the other .yml files; default: the packaged sample"),
    )
    env_file: str = Field(
        DEFAULT_ENV_FILE,
        validation_alias="COUNTERSIGN_ENV_FILE",
        description=(
            f"file of settings that commands read too; default: {DEFAULT_ENV_FILE} in the current "
            f"folder, {NO_ENV_FILE} for no file"
        ),
    )
    mode: Mode = Field(
        Mode.DRY_RUN,
        validation_alias="COUNTERSIGN_MODE",
        description="shadow, dry-run (default) or live",
    )


class HttpSettings(_SettingsGroup):
    """The HTTP server, and its address for people."""

    host: str = Field(
        "127.0.0.1",
        validation_alias="COUNTERSIGN_HOST",
        description="address of the HTTP intake; default 127.0.0.1",
    )
    port: int = Field(
        DEFAULT_PORT,
        ge=0,
        validation_alias="COUNTERSIGN_PORT",
        description=f"port of the HTTP intake; default {DEFAULT_PORT}",
    )
    connections_per_address: int = Field(
        64,
        ge=0,
        validation_alias="COUNTERSIGN_CONNECTIONS_PER_ADDRESS",
        description=(
            "open connections from one address; default 64, 0 for no limit (behind a proxy)"
        ),
    )
    trusted_proxies: Proxies = Field(
        (),
        validation_alias="COUNTERSIGN_TRUSTED_PROXIES",
        description=(
            "addresses or networks of proxies that check certificates of senders, like "
            "10.1.0.0/16, with commas; default: none"
        ),
    )
    public_url: PublicUrl = Field(
        validation_alias="COUNTERSIGN_PUBLIC_URL",
        description=(
            "https address at which people reach the passkey page; "
            "default http://localhost and the port"
        ),
    )
    callback_networks: Networks = Field(
        (),
        validation_alias="COUNTERSIGN_CALLBACK_NETWORKS",
        description=(
            "networks of your own to which callbacks of programs may lead, like "
            "10.1.0.0/16,fd00::/8; default: none, public addresses only"
        ),
    )
    api_token: str = Field(
        "",
        validation_alias="COUNTERSIGN_API_TOKEN",
        repr=False,
        description="bearer token for GET /v1/cases and GET /v1/precedents",
    )
    api_token_old: str = Field(
        "",
        validation_alias="COUNTERSIGN_API_TOKEN_OLD",
        repr=False,
        description="the previous one, while you change it",
    )

    @property
    def api_tokens(self) -> tuple[str, ...]:
        """The tokens that are valid now."""
        return tuple(filter(None, [self.api_token, self.api_token_old]))


class CheckpointSettings(_SettingsGroup):
    """The signed checkpoints of the ledger."""

    checkpoints: Signer = Field(
        Signer.ON,
        validation_alias="COUNTERSIGN_CHECKPOINTS",
        description=("on (the default), or elsewhere when another process signs the ledger"),
    )
    checkpoints_dir: ResolvedPath = Field(
        validation_alias="COUNTERSIGN_CHECKPOINTS_DIR",
        description=(
            "folder of the signed checkpoints; default: checkpoints in COUNTERSIGN_DATA_DIR"
        ),
    )
    origin: str = Field(
        "countersign",
        validation_alias="COUNTERSIGN_ORIGIN",
        description="name of this ledger in its checkpoints; default countersign",
    )


class WorkerSettings(_SettingsGroup):
    """Logs, leases, waits and pacing."""

    log_level: Annotated[str, StringConstraints(to_upper=True)] = Field(
        "INFO",
        validation_alias="COUNTERSIGN_LOG_LEVEL",
        description="INFO (default), WARNING or DEBUG",
    )
    log_format: LogFormat = Field(
        LogFormat.TEXT,
        validation_alias="COUNTERSIGN_LOG_FORMAT",
        description="text (default), or json: one object a line, for a collector of logs",
    )
    stop_for: float = Field(
        3.0,
        ge=0.1,
        validation_alias="COUNTERSIGN_STOP_FOR",
        description=(
            "seconds that a stop may take; what is not finished then is left to another process or"
            " the next start; default 3"
        ),
    )
    lease_for: float = Field(
        30.0,
        ge=1,
        validation_alias="COUNTERSIGN_LEASE_FOR",
        description=(
            "seconds until another worker takes over from one that does not respond; "
            "must exceed every timeout in systems.yml; default 30"
        ),
    )
    settle_for: float = Field(
        30.0,
        ge=0.1,
        validation_alias="COUNTERSIGN_SETTLE_FOR",
        description=(
            "seconds to wait before looking for a message that may have been posted; default 30"
        ),
    )
    slack_per_second: float = Field(
        1.0,
        ge=0,
        validation_alias="COUNTERSIGN_SLACK_PER_SECOND",
        description="messages a second to one channel; default 1, 0 for no limit",
    )
    slack_burst: int = Field(
        10,
        ge=1,
        validation_alias="COUNTERSIGN_SLACK_BURST",
        description="messages to one channel before that limit applies; default 10",
    )


class KnowledgeSettings(_SettingsGroup):
    """The embedder, the index and the language model."""

    embeddings: str = Field(
        "",
        validation_alias="COUNTERSIGN_EMBEDDINGS",
        description=(
            "another embedder than the built-in ones, by its LangChain name; `folder:PATH` for a"
            " larger sentence model in the place of the built-in one; `model` for the built-in"
            " model on cards too, `words` for none"
        ),
    )
    # The URLs of servers may hold a password.
    chroma_url: str = Field(
        "",
        validation_alias="COUNTERSIGN_CHROMA_URL",
        repr=False,
        description="address of a Chroma server, when several processes share the memory",
    )
    chat_model: str = Field(
        "",
        validation_alias="COUNTERSIGN_CHAT_MODEL",
        description=("a chat model, by its LangChain name, like openai:gpt-5-mini; default: none"),
    )
    chat_url: str = Field(
        "",
        validation_alias="COUNTERSIGN_CHAT_URL",
        repr=False,
        description="address of that model, if not the provider's",
    )
    chat_plans: Literal["on", "off"] = Field(
        "off",
        validation_alias="COUNTERSIGN_CHAT_PLANS",
        description=(
            "`on`: where no playbook has a plan, the chat model suggests one, labelled as such and"
            " never run alone; the card waits for it up to ten seconds; default off"
        ),
    )
    chat_per_day: int = Field(
        500,
        ge=0,
        validation_alias="COUNTERSIGN_CHAT_PER_DAY",
        description="daily limit of cases, and of questions, for the chat model; default 500",
    )


class TracingSettings(_SettingsGroup):
    """Traces, by the standard variables of OpenTelemetry."""

    # Addresses and headers may hold a password.
    otlp_endpoint: str = Field(
        "",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        repr=False,
        description=(
            "address of a collector that takes OTLP over HTTP; without it nothing is traced"
        ),
    )
    otlp_traces_endpoint: str = Field(
        "",
        validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        repr=False,
        description="its address for traces, if that is not /v1/traces there",
    )
    otlp_headers: str = Field(
        "",
        validation_alias="OTEL_EXPORTER_OTLP_HEADERS",
        repr=False,
        description="headers of each request, like key=value,key=value",
    )
    otel_service_name: str = Field(
        "countersign",
        validation_alias="OTEL_SERVICE_NAME",
        description="service.name of the traces; default countersign",
    )
    otel_resource_attributes: str = Field(
        "",
        validation_alias="OTEL_RESOURCE_ATTRIBUTES",
        description="more attributes of the process, like key=value,key=value",
    )
    otel_traces_sampler: TracesSampler = Field(
        TracesSampler.ALWAYS_ON,
        validation_alias="OTEL_TRACES_SAMPLER",
        description="always_on (the default), always_off or traceidratio",
    )
    otel_traces_sampler_arg: float = Field(
        1.0,
        ge=0,
        validation_alias="OTEL_TRACES_SAMPLER_ARG",
        description="the share of cases that traceidratio traces, from 0 to 1",
    )
    otel_sdk_disabled: str = Field(
        "",
        validation_alias="OTEL_SDK_DISABLED",
        description="true: trace nothing",
    )

    @property
    def traces_url(self) -> str:
        """The address that traces are sent to; empty when nothing is traced."""
        if self.otel_sdk_disabled.lower() == "true":
            return ""
        if self.otel_traces_sampler.plain is TracesSampler.ALWAYS_OFF:
            return ""
        if self.otlp_traces_endpoint or not self.otlp_endpoint:
            return self.otlp_traces_endpoint
        return f"{self.otlp_endpoint.rstrip('/')}/v1/traces"


class ReviewSettings(_SettingsGroup):
    """Measures of people's work."""

    approver_health: ApproverHealth = Field(
        ApproverHealth.OFF,
        validation_alias="COUNTERSIGN_APPROVER_HEALTH",
        description="on: `countersign approvers` shows how groups decide; default off",
    )
    probes_per_week: int = Field(
        0,
        ge=0,
        le=5,
        validation_alias="COUNTERSIGN_PROBES_PER_WEEK",
        description=(
            "practice cases for each queue and week, at most 5, never carried out; only with "
            "COUNTERSIGN_APPROVER_HEALTH=on; default 0"
        ),
    )


class SlackSettings(_SettingsGroup):
    """The Slack app, and how many cards it posts at once."""

    storm_after: int = Field(
        30,
        ge=0,
        validation_alias="COUNTERSIGN_STORM_AFTER",
        description=(
            "cards of one kind from one source within ten minutes before further cases share one "
            "card; default 30, 0 for never"
        ),
    )
    slack_bot_token: str = Field(
        "",
        validation_alias="SLACK_BOT_TOKEN",
        repr=False,
        description="bot token (xoxb-…) from the app's page at Slack",
    )
    slack_app_token: str = Field(
        "",
        validation_alias="SLACK_APP_TOKEN",
        repr=False,
        description="app token (xapp-…), for Socket Mode",
    )
    slack_signing_secret: str = Field(
        "",
        validation_alias="SLACK_SIGNING_SECRET",
        repr=False,
        description="instead of SLACK_APP_TOKEN: Slack sends over HTTP to /slack/events",
    )
    slack_signing_secret_old: str = Field(
        "",
        validation_alias="SLACK_SIGNING_SECRET_OLD",
        repr=False,
        description="the previous one, while you change it",
    )
    slack_api_url: str = Field(
        "https://slack.com/api/",
        validation_alias="SLACK_API_URL",
        description="address of the Slack API, if it is not Slack's own: the emulator's /api/",
    )

    @property
    def slack_signing_secrets(self) -> tuple[str, ...]:
        """The secrets that are valid now."""
        return tuple(filter(None, [self.slack_signing_secret, self.slack_signing_secret_old]))


class DeploymentSettings(_SettingsGroup):
    """A deployment that several workspaces install."""

    slack_client_id: str = Field(
        "",
        validation_alias="COUNTERSIGN_SLACK_CLIENT_ID",
        description="the app's client id, for `countersign workspaces run`",
    )
    slack_client_secret: str = Field(
        "",
        validation_alias="COUNTERSIGN_SLACK_CLIENT_SECRET",
        repr=False,
        description="its client secret",
    )
    installation_key: str = Field(
        "",
        validation_alias="COUNTERSIGN_INSTALLATION_KEY",
        repr=False,
        description=(
            "encrypts the tokens of the workspaces; `countersign workspaces key` makes one"
        ),
    )
    installation_key_old: str = Field(
        "",
        validation_alias="COUNTERSIGN_INSTALLATION_KEY_OLD",
        repr=False,
        description="the previous one, until the next start has encrypted them again",
    )

    @property
    def installation_keys(self) -> tuple[str, ...]:
        """The keys that are valid now, the one that encrypts first."""
        return tuple(filter(None, [self.installation_key, self.installation_key_old]))


class ProgramSettings(_SettingsGroup):
    """The HTTP API as a program outside the bot reaches it."""

    api_url: Annotated[str, AfterValidator(_checked_api_url)] = Field(
        validation_alias="COUNTERSIGN_URL",
        description=(
            "for `countersign mcp` alone: address of the HTTP intake; "
            "default http://localhost and the port"
        ),
    )
    program_token: str = Field(
        "",
        validation_alias="COUNTERSIGN_TOKEN",
        repr=False,
        description="for `countersign mcp` alone: token of a program, from `countersign tokens`",
    )


GROUPS: tuple[type[_SettingsGroup], ...] = (
    StorageSettings,
    HttpSettings,
    CheckpointSettings,
    WorkerSettings,
    KnowledgeSettings,
    SlackSettings,
    TracingSettings,
    ReviewSettings,
    DeploymentSettings,
    ProgramSettings,
)
FIELDS: dict[str, FieldInfo] = {
    str(field.validation_alias): field for group in GROUPS for field in group.model_fields.values()
}
#: Every variable with its meaning, in the order in which people read them.
NAMES: dict[str, str] = {name: field.description or "" for name, field in FIELDS.items()}
#: The settings that may be in a file of their own. They are in no text of the settings either.
SECRET_NAMES: tuple[str, ...] = tuple(name for name, field in FIELDS.items() if not field.repr)


class Settings(
    StorageSettings,
    HttpSettings,
    CheckpointSettings,
    WorkerSettings,
    KnowledgeSettings,
    SlackSettings,
    TracingSettings,
    ReviewSettings,
    DeploymentSettings,
    ProgramSettings,
):
    """Every setting. Each is in README.md, which a test checks."""

    _environment: Mapping[str, str] = PrivateAttr(default_factory=dict)
    #: The secrets of YAML files that were read from files of their own.
    _file_secrets: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that these settings were read from."""
        return self._environment

    def secret(self, name: str) -> str:
        """Return a secret that a YAML file names; empty if not set.

        Raises:
            SettingsIncomplete: it is set twice, or its file cannot be read.
        """
        if f"{name}{FILE_SUFFIX}" not in self._environment:
            return self._environment.get(name, "")
        if name not in self._file_secrets:
            try:
                self._file_secrets[name] = read_secret(name, self._environment)
            except ValueError as error:
                raise incomplete([str(error)]) from None
        return self._file_secrets[name]


def add_env_file() -> None:
    """Add the file ``.env`` to the environment of this process, which wins.

    Commands begin with it. From then on, and in processes that they start, no file is read.

    Raises:
        SettingsIncomplete: a line cannot be read, or the file that was named is not there.
    """
    file_name = os.environ.get("COUNTERSIGN_ENV_FILE", "")
    path = Path(file_name or DEFAULT_ENV_FILE)
    if file_name == NO_ENV_FILE or not (file_name or path.is_file()):
        return
    try:
        variables = read_env_file(path)
    except (ValueError, OSError) as error:
        reason = f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise incomplete([reason]) from None
    os.environ.update(add_missing(os.environ, variables))
    # A process for one workspace must not find the secrets of another in the folder.
    os.environ["COUNTERSIGN_ENV_FILE"] = NO_ENV_FILE


def limit_threads() -> None:
    """Let numpy compute in one thread unless the operator decides otherwise.

    It reads the variable when it is loaded: the program begins with this. Processes that it starts
    inherit it.
    """
    # The products of a case are small: further threads wait for work in a loop, and take the
    # processor from the desk. OPENBLAS_NUM_THREADS and MKL_NUM_THREADS win over this one.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from these variables, or from those of this process.

    An empty variable counts as not set.

    Raises:
        SettingsIncomplete: a to-do list, one line for each thing that is missing or wrong.
    """
    variables = dict(os.environ if environment is None else environment)
    complete, problems = _with_secrets(variables)
    problems += _slack_problems(complete)
    problems += _unknown_names(variables)
    # The library's reader of os.environ, with a mapping in its place.
    source = EnvSettingsSource(Settings, case_sensitive=True)
    source.env_vars = {name: text for name, text in complete.items() if text}
    # Not a validator: those run only when every field is valid, and all problems are reported.
    try:
        settings = Settings(**{**_dependent_defaults(source.env_vars), **source()})
    except ValidationError as invalid:
        order = list(FIELDS)
        errors = sorted(invalid.errors(), key=lambda error: order.index(str(error["loc"][0])))
        problems += [_problem(error) for error in errors]
        # Without its cause: that one would print the values.
        raise incomplete(problems) from None
    if problems:
        raise incomplete(problems)
    settings._environment = MappingProxyType(variables)
    return settings


#: Stands for a token where a command needs none.
NO_BOT_TOKEN = "xoxb-none"  # noqa: S105  no token


def _with_secrets(variables: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Read the secrets that are in files; list their problems."""
    complete, problems = dict(variables), []
    for name in SECRET_NAMES:
        try:
            secret = read_secret(name, variables)
        except ValueError as error:
            problems.append(str(error))
            # One sentence is enough: it is set, and its form is not what is wrong.
            complete[name] = "xoxb-unread"
        else:
            if secret:
                complete[name] = secret
    return complete, problems


def _unknown_names(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each name of no setting or secret."""
    names = set(NAMES) | {f"{name}{FILE_SUFFIX}" for name in SECRET_NAMES}
    strange = [
        name
        for name in sorted(variables)
        if name.startswith(PREFIX) and name not in names and not _SERVICE_LINK.fullmatch(name)
    ]
    if not strange:
        return
    secrets = _names_in_files(Path(variables.get("COUNTERSIGN_LIBRARY_DIR") or PACKAGED_LIBRARY))
    names |= secrets | {f"{name}{FILE_SUFFIX}" for name in secrets}
    for name in strange:
        if name in names:
            continue
        # Without what all of them begin with, which would make any two look alike.
        endings = sorted(one.removeprefix(PREFIX) for one in names if one.startswith(PREFIX))
        near = difflib.get_close_matches(name.removeprefix(PREFIX), endings, n=1)
        hint = f"did you mean {PREFIX}{near[0]}?" if near else "correct or unset it"
        yield f"{name} is no setting, and no YAML file of the library names it; {hint}"


def _names_in_files(library_dir: Path) -> set[str]:
    """Return the names in YAML files, those of this release among them.

    They are searched for as text, because a file with a mistake still names its secrets.
    """
    names = set()
    for folder in (library_dir, PACKAGED_LIBRARY):
        for path in folder.rglob("*.yml"):
            text = path.read_text(encoding="utf-8", errors="replace")
            names.update(_OWN_NAME.findall(text))
            if path.name == "sources.yml":
                # A source with a preset may leave the name of its secret out.
                for source in _SOURCE_NAME.findall(text):
                    names.update(presets.secret_names(source))
    return names


def _is_set(name: str, variables: Mapping[str, str]) -> bool:
    """Tell whether a secret is set, in either form."""
    return bool(variables.get(name) or variables.get(f"{name}{FILE_SUFFIX}"))


def load_offline() -> Settings:
    """Read the settings for a command that needs no tokens."""
    variables = dict(os.environ)
    for name, text in {"SLACK_BOT_TOKEN": NO_BOT_TOKEN, "SLACK_APP_TOKEN": "xapp-none"}.items():
        if not _is_set(name, variables):
            variables[name] = text
    return load(variables)


def load_deployment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of a deployment that several workspaces install.

    Raises:
        SettingsIncomplete: a to-do list, as ``load`` gives it.
    """
    variables = dict(os.environ if environment is None else environment)
    problems = []
    for name in DEPLOYMENT_VARIABLES:
        if not _is_set(name, variables):
            problems.append(f"set {name}: {NAMES[name]}")
    if _is_set("SLACK_APP_TOKEN", variables):
        problems.append(
            "unset SLACK_APP_TOKEN: a deployment of several workspaces is reached over HTTP"
        )
    if problems:
        raise incomplete(problems)
    # Each workspace has a token of its own.
    variables.pop(f"SLACK_BOT_TOKEN{FILE_SUFFIX}", None)
    return load({**variables, "SLACK_BOT_TOKEN": "xoxb-none"})


def name_without_file(name: str) -> str:
    """Return the setting that a variable sets in either form, or nothing."""
    if name in NAMES:
        return name
    setting = name.removesuffix(FILE_SUFFIX)
    return setting if setting in SECRET_NAMES else ""


def inherit(*names: str) -> dict[str, str]:
    """Return these variables of this process, for one that it starts."""
    return {name: os.environ[name] for name in names if name in os.environ}


def incomplete(problems: Sequence[str]) -> SettingsIncomplete:
    """Return the error that is a to-do list."""
    lines = "\n".join(f"  • {problem}" for problem in problems)
    return SettingsIncomplete(f"To do before Countersign can start:\n{lines}")


def _dependent_defaults(variables: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the defaults that follow from other variables."""
    data_dir = Path(variables.get("COUNTERSIGN_DATA_DIR") or DEFAULT_DATA_DIR).resolve()
    port = variables.get("COUNTERSIGN_PORT") or DEFAULT_PORT
    return {
        "COUNTERSIGN_DATABASE_URL": f"sqlite:///{data_dir / 'countersign.db'}",
        "COUNTERSIGN_CHECKPOINTS_DIR": data_dir / "checkpoints",
        "COUNTERSIGN_PUBLIC_URL": f"http://localhost:{port}",
        "COUNTERSIGN_URL": f"http://localhost:{port}",
    }


def _problem(error: ErrorDetails) -> str:
    """Return a sentence for one setting that is not valid."""
    name = str(error["loc"][0])
    field = FIELDS[name]
    if error["type"] == "value_error":
        return f"{name} {error['ctx']['error']}"
    if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum):
        return f"{name} must be one of {', '.join(field.annotation)}, not {error['input']!r}"
    minimum = next(bound.ge for bound in field.metadata if isinstance(bound, Ge))
    return f"{name} must be a number of at least {minimum:g}, not {error['input']!r}"


def _slack_problems(variables: Mapping[str, str]) -> list[str]:
    """Return a sentence for each wrong or missing token."""
    problems = []
    bot_token = variables.get("SLACK_BOT_TOKEN", "")
    if not bot_token:
        problems.append(
            "set SLACK_BOT_TOKEN to the bot token of your Slack app (xoxb-…); "
            "to try Countersign without a token, run `countersign demo`"
        )
    elif not bot_token.startswith("xoxb-"):
        problems.append(
            "set SLACK_BOT_TOKEN to the “Bot User OAuth Token” (xoxb-…), and not to another one: at"
            " api.slack.com/apps, choose the app and open “OAuth & Permissions”"
        )
    if not variables.get("SLACK_APP_TOKEN") and not variables.get("SLACK_SIGNING_SECRET"):
        problems.append("set SLACK_APP_TOKEN (xapp-…, Socket Mode) or SLACK_SIGNING_SECRET (HTTP)")
    if any(variables.get(name) for name in OAUTH_VARIABLES):
        problems.append(
            f"unset {' and '.join(OAUTH_VARIABLES)}: with them the SDK ignores SLACK_BOT_TOKEN"
        )
    return problems
