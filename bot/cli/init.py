"""``countersign init``."""

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import AfterValidator, TypeAdapter, ValidationError
from rich.table import Table as PrintedTable
from tzlocal import get_localzone_name

from bot.cases.constraints import ChannelId, Currency, Handle, is_channel_name
from bot.cases.errors import ConnectorFailed, Refusal
from bot.cases.group_lists import ListedPerson
from bot.cli.company_tables import Table, list_schemas, read_database_url, read_tables
from bot.cli.init_packs import env_lines_of_packs, write_pack_library
from bot.cli.own_library import (
    Choices,
    env_lines,
    ignore_in_git,
    write_env_file,
    write_library,
)
from bot.cli.proposal_sql import Dialect
from bot.cli.proposals import MANY_ROWS, PlaybookProposal, find_proposals
from bot.cli.terminal import out, print_hanging
from bot.clock import utc_now
from bot.connectors.sql import SqlConnector, SqlSystem
from bot.settings import DEFAULT_ENV_FILE, NAMES, PACKAGED_LIBRARY
from knowledge.library import copy_library, load

DEFAULT_FOLDER = Path("countersign-library")
QUERY_TIMEOUT = timedelta(seconds=10)
#: Of more tables than fit a screen, those with most rows are listed.
MAX_LISTED_TABLES = 40
Folder = Annotated[Path, typer.Argument(help="The folder to create.")]


def init(  # noqa: PLR0913 (the options of a command)
    folder: Folder = DEFAULT_FOLDER,
    database: Annotated[
        str, typer.Option(help="Your company's database: a URL, or the path of an SQLite file.")
    ] = "",
    kind: Annotated[
        str, typer.Option(help="Which of the proposed kinds to take; default: the first.")
    ] = "",
    currency: Annotated[str, typer.Option(help="The currency of your amounts, like EUR.")] = "",
    channel: Annotated[str, typer.Option(help="The channel for cards, by its name or id.")] = "",
    channel_title: Annotated[str, typer.Option(help="What people call that channel.")] = "",
    approvers: Annotated[
        str,
        typer.Option(
            help="Who approves: a user group, or people by Slack id or e-mail, by commas."
        ),
    ] = "",
    zone: Annotated[str, typer.Option(help="The time zone of your hours.")] = "",
    sample: Annotated[
        bool, typer.Option("--sample", help="Copy the files of the sample company instead.")
    ] = False,
    pack: Annotated[
        list[str] | None,
        typer.Option(
            help="Write the library of packs instead, each by name, folder or zip: see"
            " `countersign pack`."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take the options and defaults.")
    ] = False,
) -> None:
    if sample and pack:
        raise Refusal("--sample and --pack are two libraries: leave one of them out")
    if folder.exists():
        raise Refusal(f"{folder} already exists; name another folder, or remove it")
    if sample:
        copy_sample(folder)
        return
    if pack:
        _write_packs(folder, pack, currency)
        return
    answers = Answers(may_ask=not yes)
    if yes:
        _require(database=database, currency=currency, channel=channel, approvers=approvers)
    url, tables = _choose_database(answers, database)
    proposal = _choose_proposal(answers, url=url, tables=tables, kind=kind)
    choices = _choose_people(
        answers,
        proposal,
        currency=currency,
        channel=channel,
        title=channel_title,
        approvers=approvers,
        zone=zone or get_localzone_name() or "UTC",
    )
    bot_token, app_token = answers.tokens()
    write_library(folder, choices)
    out.print(
        f"\nWritten to {folder}: policy, systems, channels, sources and one playbook.", markup=False
    )
    text = env_lines(folder, database_url=url, bot_token=bot_token, app_token=app_token)
    _write_settings(text)
    _print_next(folder, proposal, has_tokens=bool(bot_token and app_token))


def copy_sample(folder: Path) -> None:
    """Copy the files of the sample company, and list the settings."""
    copy_library(PACKAGED_LIBRARY, folder)
    channels = folder / "channels.yml"
    channels.write_text(_without_ids(channels.read_text(encoding="utf-8")), encoding="utf-8")
    out.print(
        f"Copied to {folder}. Edit the files in playbooks/ and the other .yml files, then set:",
        markup=False,
    )
    out.print(f"  COUNTERSIGN_LIBRARY_DIR={folder.resolve()}", markup=False)
    spec = load(folder)
    for name in dict.fromkeys(
        secret for system in spec.systems.values() for secret in system.secret_names()
    ):
        out.print(f"  {name}", markup=False)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        out.print(f"  {name}: {NAMES[name]}", markup=False)
    out.print("Every other setting has a default. Then run `countersign check`.")


def _without_ids(channels: str) -> str:
    """Leave out the ids of the sample's workspace: another one has others."""
    lines = channels.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("ids:"))


def _write_packs(folder: Path, names: Sequence[str], currency: str) -> None:
    """Write the library of some packs with the settings it needs.

    Prints what follows.
    """
    if currency and not _fits(currency, Currency):
        raise Refusal(f"{currency!r} is no currency; write it like EUR")
    library = write_pack_library(folder, names, currency)
    count = len(library.playbooks) - 1
    noun = "playbook" if count == 1 else "playbooks"
    out.print(f"Written to {folder}: {count} {noun}.", markup=False)
    _write_settings(env_lines_of_packs(folder, library))
    out.print("\nNext:")
    channels = ", ".join(f"#{name}" for name in library.channel_names())
    print_hanging(
        "  ",
        f"Cards go to {channels}: make them in Slack and invite the app, or write your own"
        " channels into the playbooks.",
    )
    print_hanging("  ", f"Groups that decide: {', '.join(library.deciders())}; see policy.yml.")
    for name in names:
        _print_command(f"countersign pack try {name}", "what it finds in a made-up company")
    out.print("  Fit systems.yml and the queries of the playbooks to your own tables.")
    _print_command("countersign check", "is everything in place?")


def _print_command(command: str, meaning: str) -> None:
    out.print(f"  {command}   # {meaning}", markup=False, soft_wrap=True, highlight=False)


# --- questions ------------------------------------------------------------------------------------


class Answers:
    """The answers of somebody at a terminal, or the options alone."""

    def __init__(self, *, may_ask: bool) -> None:
        self._may_ask = may_ask

    @property
    def may_ask(self) -> bool:
        """Tell whether somebody is there to answer."""
        return self._may_ask

    def text(
        self, question: str, option: str, shape: Any, *, example: str, default: str = ""
    ) -> str:
        """Return the option or the answer that has ``shape``'s form.

        Raises:
            Refusal: the option has another form, and nobody may be asked.
        """
        answer = option
        while True:
            if not answer and not self._may_ask:
                return default
            if not answer:
                answer = typer.prompt(question, default=default or None).strip()
            if shape is Currency:
                answer = answer.upper()
            if _fits(answer, shape):
                return answer
            problem = f"{answer!r} cannot be used; write it like {example}"
            if not self._may_ask:
                raise Refusal(f"{question}: {problem}")
            out.print(f"  {problem}", markup=False, style="red")
            answer = ""

    def tokens(self) -> tuple[str, str]:
        """Return the tokens of the Slack app; empty for later."""
        if not self._may_ask:
            return "", ""
        out.print("\nThe tokens of your Slack app are not shown. Press Enter to set them later.")
        return _ask_token("Bot token", "xoxb-"), _ask_token("App token", "xapp-")


def _ask_token(name: str, beginning: str) -> str:
    """Ask until the token is of this sort, or empty."""
    while True:
        token: str = typer.prompt(
            f"{name} ({beginning}…)",
            default="",
            # From a pipe, nobody looks over a shoulder.
            hide_input=sys.stdin.isatty(),
            show_default=False,
        ).strip()
        if not token or token.startswith(beginning):
            return token
        out.print(f"  that is another token; this one begins with {beginning}", style="red")


def _fits(answer: str, shape: Any) -> bool:
    """Tell whether an answer has the form that the files need."""
    try:
        TypeAdapter(shape).validate_python(answer)
    except ValidationError:
        return False
    return True


def _require(**options: str) -> None:
    """Refuse a run without questions that lacks answers.

    Raises:
        Refusal: names every option that is missing.
    """
    missing = [f"--{name}" for name, text in options.items() if not text]
    if missing:
        raise Refusal(f"with --yes, nothing is asked: add {', '.join(missing)}")


def _choose_database(answers: Answers, option: str) -> tuple[str, list[Table]]:
    """Return the URL of a database that answers, with its tables."""
    text = option
    while True:
        if not text:
            text = typer.prompt(
                "Your company's database (postgresql://user:password@host/name, mysql://…,"
                " or an SQLite file)"
            )
        try:
            url = read_database_url(text.strip())
            return url, read_tables(url)
        except Refusal as refusal:
            if not answers.may_ask:
                raise
            out.print(f"  {refusal}", markup=False, style="red")
            text = ""


def _choose_proposal(
    answers: Answers, *, url: str, tables: Sequence[Table], kind: str
) -> PlaybookProposal:
    """Print the tables, and return the playbook that is chosen for them.

    Raises:
        Refusal: nothing can be proposed, or not this kind.
    """
    connector = _connect(url)
    sql = Dialect.of(url)
    counts = {table.name: _count_rows(table, connector, sql) for table in tables}
    _print_tables(tables, counts)
    _require_rows(url, counts)
    # Of many tables, the first are tried: those in which something can be wrong.
    tables = sorted(tables, key=lambda table: counts[table.name] == 0)
    proposals = find_proposals(tables, connector, sql=sql, now=utc_now())
    if not proposals:
        raise Refusal(
            "no table has a key together with a date that passes, a row that is left open, or a"
            " sum: begin with `countersign init --sample` and change one of its playbooks"
        )
    if kind:
        return _pick_kind(proposals, kind)
    out.print("\nProposed, each tried on your data:")
    for number, proposal in enumerate(proposals, start=1):
        out.print(f"  {number}. {proposal.title}: {_findings(proposal)}", markup=False)
        out.print(f"     {proposal.meaning}", markup=False, style="dim")
    if not answers.may_ask:
        return proposals[0]
    numbers = [str(number) for number in range(1, len(proposals) + 1)]
    answer = answers.text("Which one", "", Literal[*numbers], example="1", default="1")
    return proposals[int(answer) - 1]


def _pick_kind(proposals: Sequence[PlaybookProposal], kind: str) -> PlaybookProposal:
    for proposal in proposals:
        if proposal.kind == kind:
            return proposal
    names = ", ".join(proposal.kind for proposal in proposals)
    raise Refusal(f"{kind} is not proposed for this database; there are {names}")


def _findings(proposal: PlaybookProposal) -> str:
    if not proposal.count:
        return "none now; a card comes with the first"
    sample = f"{proposal.count:,} now, like “{proposal.sample}”"
    if proposal.count > MANY_ROWS:
        return f"{sample}; that is many at once"
    return sample


def _connect(url: str) -> SqlConnector:
    """Connect as the bot does, to ask alone."""
    spec = SqlSystem(name="company", url_env="", timeout=QUERY_TIMEOUT, actions={})
    return SqlConnector(spec, url)


def _print_tables(tables: Sequence[Table], counts: Mapping[str, int | None]) -> None:
    listing = PrintedTable("table", "rows", "columns")
    largest = sorted(tables, key=lambda table: -(counts[table.name] or 0))[:MAX_LISTED_TABLES]
    for table in tables:
        if table in largest:
            count = counts[table.name]
            rows = "unknown" if count is None else f"{count:,}"
            listing.add_row(table.name, rows, str(len(table.columns)))
    out.print(listing)
    if len(tables) > len(largest):
        out.print(f"and {len(tables) - len(largest)} more, with fewer rows or none")


def _count_rows(table: Table, connector: SqlConnector, sql: Dialect) -> int | None:
    """Count the rows.

    None where this role may not, or where nobody would wait for it.
    """
    query = f"SELECT COUNT(*) AS number FROM {sql.quote(table.name)}"
    try:
        return int(str(connector.look_up(query, {}, 1)[0]["number"]))
    except ConnectorFailed:
        return None


def _require_rows(url: str, counts: Mapping[str, int | None]) -> None:
    """Refuse a database in which nothing can be looked at.

    Raises:
        Refusal: it has no tables here, or none that this role may read.
    """
    if counts and all(count is None for count in counts.values()):
        raise Refusal(
            "this role may read none of the tables: grant it SELECT, or name another role"
        )
    schemas = [] if counts else list_schemas(url)
    if schemas:
        raise Refusal(
            f"the tables of this database are in {', '.join(schemas)}: add"
            f" ?options=-csearch_path%3D{schemas[0]} to its URL"
        )


def _choose_people(
    answers: Answers,
    proposal: PlaybookProposal,
    *,
    currency: str,
    channel: str,
    title: str,
    approvers: str,
    zone: str,
) -> Choices:
    """Return all that the files need beside the playbook."""
    currency = answers.text("Currency of your amounts", currency, Currency, example="EUR")
    channel = answers.text(
        "Channel for cards, by its name or id", channel, ChannelId, example="orders, or C0123ABCD"
    )
    if not is_channel_name(channel):
        title = answers.text(
            "What people call that channel", title, Handle, example="orders", default="exceptions"
        )
    text = answers.text(
        "Who approves: a user group, or people by Slack id or e-mail, by commas",
        approvers,
        ApproverNames,
        example="ops-leads, or U0123ABCD, ben@example.com",
    )
    names = _split_names(text)
    group = "" if _are_people(names) else names[0]
    return Choices(
        proposal=proposal,
        currency=currency,
        channel=channel,
        channel_title=title,
        zone=zone,
        group=group,
        people=() if group else names,
    )


def _split_names(text: str) -> tuple[str, ...]:
    return tuple(part.strip().removeprefix("@") for part in text.split(",") if part.strip())


def _are_people(names: Sequence[str]) -> bool:
    return all(_fits(name, ListedPerson) for name in names)


def _check_approvers(text: str) -> str:
    names = _split_names(text)
    if not names or not (_are_people(names) or (len(names) == 1 and _fits(names[0], Handle))):
        raise ValueError("neither one user group nor a list of people")
    return text


ApproverNames = Annotated[str, AfterValidator(_check_approvers)]


# --- what follows ---------------------------------------------------------------------------------


def _write_settings(text: str) -> None:
    """Write the settings, or print them where there is a file."""
    path = Path(DEFAULT_ENV_FILE)
    if write_env_file(path, text):
        ignore_in_git(Path(".gitignore"), [DEFAULT_ENV_FILE, ".countersign/"])
        out.print(f"Written to {path}, for you alone: the settings that are needed.")
        return
    out.print(f"{path} is there already and stays as it is. It needs these lines:", markup=False)
    for line in text.splitlines():
        if line and not line.startswith("#"):
            out.print(f"  {_without_secret(line)}", markup=False, soft_wrap=True)


def _without_secret(line: str) -> str:
    """Hide the value of what may hold a password."""
    name, _, value = line.partition("=")
    is_open = name.startswith("COUNTERSIGN_")
    if is_open or not value:
        return line
    return f"{name}=…"


def _print_next(folder: Path, proposal: PlaybookProposal, *, has_tokens: bool) -> None:
    out.print("\nNext:")
    if not has_tokens:
        out.print(f"  Put the two tokens of your Slack app into {DEFAULT_ENV_FILE}.", markup=False)
    file = folder / "playbooks" / f"{proposal.kind}.yml"
    for command, meaning in (
        ("countersign check", "is everything in place?"),
        (f"countersign try {file}", "what it would find; opens no case"),
        ("countersign run", "post the cards; dry-run changes nothing in your database"),
    ):
        _print_command(command, meaning)
    out.print(f"Then set COUNTERSIGN_MODE=live in {DEFAULT_ENV_FILE} to carry out.", markup=False)
