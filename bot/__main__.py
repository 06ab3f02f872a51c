"""The program: ``countersign`` and ``python -m bot``. Tables for people, ``--json`` for machines; every error says what to do next."""

import json
import logging
import re
import signal
import sys
import tempfile
import threading
import time
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot import outages
from bot import settings as configuration
from bot.cases.errors import CountersignError, LedgerBroken, Refusal

out, err = Console(), Console(stderr=True)
app = typer.Typer(
    help="Countersign puts each business exception in front of the right manager as one card, and proves what was done.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
memory_app = typer.Typer(
    help="Precedents: fill, rebuild, train and review what the bot remembers.", no_args_is_help=True
)
passkey_app = typer.Typer(
    help="Passkeys: who may add one, which there are, and taking one away.", no_args_is_help=True
)
ledger_app = typer.Typer(help="Verify, export and sign the ledger.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")
app.add_typer(memory_app, name="memory")
app.add_typer(passkey_app, name="passkey")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def main() -> None:
    """Run the command; a refusal is printed as it is and ends with status 1."""
    try:
        app()
    except Refusal as refusal:
        err.print(str(refusal), style="red", markup=False)
        sys.exit(1)
    except CountersignError as failure:
        err.print(f"{type(failure).__name__}: {failure}", style="red", markup=False)
        sys.exit(1)


# --- demo and run --------------------------------------------------------------------------------------------------------


@app.command()
def demo(
    headless: Annotated[bool, typer.Option(help="Open no browser.")] = False,
    story: Annotated[
        bool,
        typer.Option(
            help="Play the story and end: eight signals, a decision, a refusal, an edit, a drift, a proof."
        ),
    ] = False,
    prepare_only: Annotated[
        bool, typer.Option("--prepare", help="Make the sample company and its past, and end.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its files.")] = Path(
        ".countersign/demo"
    ),
    port: Annotated[int, typer.Option(help="Port of the page; 0 picks one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """The whole thing on this machine: emulator, sample company, bot. No account, key or network."""
    began = time.monotonic()
    from bot.sample import demo as sample

    _log("WARNING")
    folder = folder.resolve()
    prepared = _prepared(sample, folder)
    if prepare_only:
        return
    if story:
        from bot.sample.story import play

        summary = play(
            folder,
            prepared,
            lambda title: None if as_json else out.print(f"… {title}", markup=False),
        )
        _print_story(summary, as_json)
        raise typer.Exit(0 if summary["ok"] else 1)
    with sample.running(folder, prepared, port=port) as (emulator, house):
        card_after = _first_card(emulator, began)
        _greet(emulator, house, card_after)
        if not headless:
            webbrowser.open(emulator.url)
        _until_stopped()
        out.print("Closing.")


def _prepared(sample: Any, folder: Path) -> Any:
    with Progress(console=err, transient=True) as progress:
        task: Any = None

        def step(done: int, total: int) -> None:
            nonlocal task
            if task is None:
                task = progress.add_task("Playing last year's cases (once a day)", total=total)
            progress.update(task, completed=done)

        return sample.prepare(folder, step)


def _first_card(emulator: Any, began: float) -> float:
    while time.monotonic() - began < 60:
        if any(channel["messages"] for channel in emulator.get("state?as=U0ANA")["channels"]):
            return round(time.monotonic() - began, 2)
        time.sleep(0.02)
    raise CountersignError(
        "no card came within a minute; run again with COUNTERSIGN_LOG_LEVEL=DEBUG"
    )


def _greet(emulator: Any, house: Any, card_after: float) -> None:
    counts = house.desk.store.queries.counts()
    ended = sum(counts.get(name, 0) for name in ("RESOLVED", "REJECTED", "CLEARED", "EXPIRED"))
    out.print()
    out.print("[bold]Harbour & Vine[/bold] is open.")
    out.print(f"  {ended} cases of last year are in the ledger; the detectors look for new ones.")
    out.print(f"  The first card stood after {card_after} s.")
    out.print(f"\n  Open  [bold cyan]{emulator.url}[/bold cyan]\n")
    out.print(
        "  You are Ana, floor manager; the menu in the corner makes you somebody else. Approve something."
    )
    out.print(
        f"  Signals over HTTP go to http://127.0.0.1:{house.settings.port}/v1/signals (see README)."
    )
    out.print("  Ctrl-C ends it.")


def _print_story(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    for chapter in summary["chapters"]:
        out.print(f"{'[green]✔[/green]' if chapter['ok'] else '[red]✘[/red]'} {chapter['title']}")
        if not chapter["ok"]:
            out.print(f"    {chapter['detail']}", markup=False)


@app.command()
def run() -> None:
    """Run the bot against Slack (or what SLACK_API_URL names) until it is stopped."""
    settings = configuration.load()
    _log(settings.log_level)
    from bot import wiring

    # Many short waits on few cores: a thread that has work should not wait five milliseconds for the interpreter.
    sys.setswitchinterval(0.0005)
    house = wiring.build(settings)
    house.open()
    log = logging.getLogger("countersign")
    log.info(
        "open: %s mode, intake on http://%s:%s, %s",
        settings.mode,
        settings.host,
        settings.port,
        settings.slack_api_url,
    )
    _until_stopped()
    log.info("closing: finishing what is in hand")
    house.close()


def _until_stopped() -> None:
    _stopping().wait()


def _stopping() -> threading.Event:
    """Set when somebody asks this process to end."""
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    return stopped


def _log(level: str) -> None:
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    for noisy in ("apscheduler", "httpx", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # The SDK logs whole requests with a traceback when one fails; what fails is told by the outbox and `doctor`.
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)
    outages.install()


# --- setting up ----------------------------------------------------------------------------------------------------------


@app.command()
def check(as_json: AsJson = False) -> None:
    """Read every playbook and setting, and say what is missing. Starts nothing."""
    from bot import wiring

    problems = wiring.check(configuration.offline())
    _findings(problems, "Everything is in place.", as_json)


@app.command("try")
def try_file(
    file: Annotated[
        Path, typer.Argument(help="A playbook (.yml), or signals as JSON lines (.jsonl).")
    ],
    database: Annotated[
        str,
        typer.Option(
            help="For a playbook: where its signal is looked for, a database URL or an SQLite file."
        ),
    ] = "",
    now: Annotated[
        str, typer.Option(help="Pretend that it is this time (UTC), like 1998-05-06 12:00:00.")
    ] = "",
    limit: Annotated[int, typer.Option(help="How many rows to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """See what the bot would do, without a case: a playbook's signal on live data, or each signal of a file up to its card."""
    if file.suffix != ".yml":
        _try_signals(file, as_json)
        return
    if not database:
        raise Refusal("name the database that the playbook looks into: --database company.db")
    from bot.sample.trial import trial

    found = trial(file, database, now)
    if as_json:
        print(
            json.dumps(
                {
                    "kind": found.kind,
                    "count": len(found.rows),
                    "rows": found.rows[:limit],
                    "facts": found.facts,
                },
                indent=2,
                default=str,
            )
        )
        return
    out.print(f"{found.title}: {len(found.rows)} found, no case opened", markup=False)
    table = Table("subject", "title")
    for row in found.rows[:limit]:
        table.add_row(str(row.get("subject")), str(row.get("title")))
    out.print(table)
    for name, value in found.facts.items():
        out.print(f"  {name}: {value}", markup=False)


def _try_signals(path: Path, as_json: bool) -> None:
    from bot.console import attempts

    table = Table("line", "kind", "sure", "plan", "precedents")
    for number, told in attempts(configuration.offline(), path):
        if as_json:
            print(json.dumps(told, ensure_ascii=False), flush=True)
        else:
            plan = told.get("plan") or {}
            said = told.get("error") or plan.get("action") or "a person decides"
            table.add_row(
                str(number),
                told.get("kind") or "none",
                f"{told.get('confidence')}",
                said,
                str(len(told.get("precedents", []))),
            )
    if not as_json:
        out.print(table)


@app.command()
def manifest() -> None:
    """Print the Slack app manifest as JSON, for the Slack CLI."""
    from ruamel.yaml import YAML

    path = Path(__file__).parent.parent / "manifest.yml"
    print(json.dumps(YAML(typ="safe").load(path.read_text()), indent=2))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to put them.")] = Path(
        "countersign-library"
    ),
) -> None:
    """Copy the sample playbooks, policy, systems and sources, and list what to set in the environment."""
    import shutil

    if folder.exists():
        raise Refusal(f"{folder} exists; name another folder or remove it")
    shutil.copytree(
        configuration.PACKAGED_LIBRARY,
        folder,
        ignore=shutil.ignore_patterns("*.py", "__pycache__", "minilm"),
    )
    out.print(f"{folder}: edit playbooks/ and the .yml files beside it, then set:", markup=False)
    out.print(f"  COUNTERSIGN_LIBRARY_DIR={folder.resolve()}", markup=False)
    for name, meaning in configuration.NAMES.items():
        out.print(f"  {name}: {meaning}", markup=False)
    out.print("Then `countersign check`.")


# --- looking after it ------------------------------------------------------------------------------------------------------


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """What is wrong, and what to do about it: settings, Slack, parked work, the ledger."""
    settings = configuration.offline()
    from bot import wiring
    from bot.audit.replay import replay
    from knowledge.learned import Learned

    problems = wiring.check(settings)
    problems += filter(None, [Learned(settings.data_dir / "memory").failure])
    store = wiring.open_store(settings)
    for row in store.outbox.parked_messages():
        problems.append(
            f"{row['key']} is parked after {row['attempts']} attempts: {row['error']}. Mend the cause, then `countersign unpark {row['key']}`"
        )
    replayed = replay(store.database)
    problems += wiring.witnessed(settings, store)
    problems += [f"ledger: {difference}" for difference in replayed.differences]
    if not as_json:
        for what, count in store.outbox.backlog().items():
            out.print(f"  {what}: {count}", markup=False)
    store.database.close()
    _findings(
        problems,
        f"All well: {replayed.cases} cases, {replayed.entries} entries, ledger and projection agree.",
        as_json,
    )


@app.command()
def unpark(
    key: Annotated[str, typer.Argument(help="The key that `countersign doctor` shows.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
) -> None:
    """Let parked work be tried again."""
    from bot import wiring
    from bot.store.clock import clock_of

    if bool(key) == every:
        raise Refusal("name one key, or say --all")
    store = wiring.open_store(configuration.offline())
    keys = [row["key"] for row in store.outbox.parked_messages()] if every else [key]
    now = clock_of(store.database)()
    found = sum(store.outbox.unpark(one, now) for one in keys)
    store.database.close()
    if not found:
        raise Refusal(
            f"nothing is parked{f' under {key}' if key else ''}; `countersign doctor` lists what is"
        )
    out.print(f"{key or found} will be tried again.", markup=False)


@app.command()
def case(
    case_id: Annotated[str, typer.Argument(help="Like EX-12.")], as_json: AsJson = False
) -> None:
    """One case with its trail."""
    from bot import wiring
    from bot.cases.canonical import to_plain
    from handlers.cards.notes import trail_lines

    store = wiring.open_store(configuration.offline())
    found = store.cases.case(case_id)
    entries = store.cases.entries(case_id)
    store.database.close()
    if as_json:
        print(json.dumps(to_plain(found), indent=2))
        return
    out.print(f"{found.id}  {found.state}  {found.signal.title}\n", markup=False)
    for line in trail_lines(found, entries):
        out.print(f"  {line}", markup=False)


@app.command()
def questions(
    days: Annotated[int, typer.Option(help="How far back to look.")] = 14,
    every: Annotated[
        bool, typer.Option("--all", help="All of them, not only those without a good answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What people asked and the bot did not understand, or did not answer well: what to teach it next."""
    from datetime import timedelta

    from bot import wiring
    from bot.clock import utc_now

    store = wiring.open_store(configuration.offline())
    found = store.question_log.questions(
        utc_now() - timedelta(days=days), only_unanswered=not every
    )
    store.database.close()
    if as_json:
        rows = [
            {
                "at": one.asked_at.isoformat(),
                "text": one.text,
                "understood": one.understood,
                "vote": one.vote,
            }
            for one in found
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table("asked", "question", "understood as", "helped")
    for one in found:
        table.add_row(
            f"{one.asked_at:%d %b %H:%M}", one.text[:100], one.understood or "nothing", one.vote
        )
    out.print(table if found else f"Nothing in {days} days that was not understood.")


@ledger_app.command("verify")
def ledger_verify(
    key: Annotated[
        str,
        typer.Option(
            help="The pinned verifier key; the folder's own if left out, which proves less."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check every leaf, link, root, signature and rule, and the projection against the ledger."""
    from bot import wiring
    from bot.audit import export, replay, verifier

    settings = configuration.offline()
    store = wiring.open_store(settings)
    findings: list[str] = []
    remarks: list[str] = []
    witness = wiring.open_witness(settings)
    try:
        wiring.sign(witness, store)
    except LedgerBroken as broken:
        findings.append(str(broken))
    total = store.ledger.head()[0]
    with tempfile.TemporaryDirectory() as folder, Progress(console=err, transient=True) as progress:
        task = progress.add_task("Reading the ledger", total=2 * total)
        path = Path(folder) / "ledger.jsonl"
        export.export(store.ledger, path, progress=lambda step: progress.advance(task, step))
        found, entries, covered = verifier.verify(
            str(path), str(settings.checkpoints_dir), key or witness.public_key, remarks=remarks
        )
        findings += found
        if entries != total:
            findings.append(f"the head says {total} entries, the ledger has {entries}")
        findings += replay.replay(
            store.database, progress=lambda step: progress.advance(task, step)
        ).differences
    store.database.close()
    if as_json:
        told = {
            "ok": not findings,
            "entries": entries,
            "covered": covered,
            "findings": findings,
            "notes": remarks,
        }
        print(json.dumps(told, indent=2))
        raise typer.Exit(1 if findings else 0)
    for remark in remarks:
        out.print(f"Note: {remark}", markup=False)
    _findings(
        findings,
        f"{entries} entries, {covered} under a signed checkpoint: everything holds.",
        False,
    )


@ledger_app.command("export")
def ledger_export(path: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Write the ledger, the checkpoints, the public key and the verifier into a folder for an auditor."""
    import shutil

    from bot import wiring
    from bot.audit.export import export

    if path.exists():
        raise Refusal(f"{path} exists; name a new folder")
    settings = configuration.offline()
    store = wiring.open_store(settings)
    try:
        wiring.sign(wiring.open_witness(settings), store)
    except LedgerBroken as broken:
        # What cannot be signed is just what an auditor wants to see.
        err.print(f"Not signed: {broken}", style="red", markup=False)
    (path / "checkpoints").mkdir(parents=True)
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Exporting", total=store.ledger.head()[0])
        count = export(
            store.ledger, path / "ledger.jsonl", progress=lambda step: progress.advance(task, step)
        )
    for note in settings.checkpoints_dir.glob("*.note"):
        shutil.copy(note, path / "checkpoints")
    shutil.copy(settings.checkpoints_dir / "public.key", path / "checkpoints")
    shutil.copy(Path(__file__).parent / "audit/verifier.py", path)
    store.database.close()
    out.print(
        f"{count} entries in {path}. Verify with:\n  python {path}/verifier.py {path}/ledger.jsonl --checkpoints {path}/checkpoints",
        markup=False,
    )


@ledger_app.command("checkpoint")
def ledger_checkpoint(
    every: Annotated[
        str,
        typer.Option(
            help="Go on signing, like 5m: the signer as a process of its own, with a role that only reads."
        ),
    ] = "",
) -> None:
    """Sign the ledger as it is now, and print the note."""
    from bot import wiring
    from bot.audit.checkpoints import Checkpoints

    settings = configuration.offline()
    interval = _interval(every) if every else 0.0
    store = wiring.open_reader(settings)
    checkpoints = Checkpoints(settings.checkpoints_dir, settings.origin)
    try:
        if interval:
            _log(settings.log_level)
            _sign_on(checkpoints, store, interval)
            return
        signed = checkpoints.sign(store.ledger)
    finally:
        store.database.close()
    out.print(
        signed.note if signed else "Nothing was added since the last checkpoint.", markup=False
    )
    out.print(f"Public key: {checkpoints.public_key}", markup=False, soft_wrap=True)


def _sign_on(checkpoints: Any, store: Any, interval: float) -> None:
    """Sign what is new until stopped. What keeps it from signing is said once, until it is something else."""
    from sqlalchemy.exc import DBAPIError

    log, stopped, last = logging.getLogger("countersign"), _stopping(), ""
    log.info("signing %s every %g s", checkpoints.folder, interval)
    while True:
        failure = ""
        try:
            signed = checkpoints.sign(store.ledger)
            if signed:
                log.info("signed %s entries", signed.size)
        except LedgerBroken as broken:
            failure = f"not signed: {broken}. `countersign doctor` says more"
        except DBAPIError as away:
            failure = f"not signed: the database does not answer ({type(away.orig).__name__}); trying again"
        if failure and failure != last:
            log.error("%s", failure)
        last = failure
        if stopped.wait(interval):
            return


def _interval(text: str) -> float:
    """Seconds of a time like 30s, 5m or 1h."""
    found = re.fullmatch(r"(\d{1,6})([smh])", text.strip())
    seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0
    if not seconds:
        raise Refusal(f"--every takes a time like 30s, 5m or 1h, not {text[:20]!r}")
    return float(seconds)


@ledger_app.command("acknowledge")
def ledger_acknowledge(
    note: Annotated[
        str, typer.Option(help="What you compared the ledger with, and what you found.")
    ],
) -> None:
    """Let the bot go on after a backup was restored: you have compared what was lost with the systems of record."""
    import getpass

    from bot import wiring
    from bot.store.clock import clock_of

    settings = configuration.offline()
    store = wiring.open_store(settings)
    try:
        keeper = wiring.open_keeper(settings, store, clock_of(store.database))
        standing = keeper.watch.acknowledge(note, operator=getpass.getuser())
        keeper.run()
    finally:
        store.database.close()
    last = standing.rollbacks[-1]
    out.print(
        f"Noted. {last.size} entries were signed, {last.common_size} of them are in the ledger, as they were. What waited goes on now; "
        "what was planned before is looked for before it is carried out.",
        markup=False,
    )


@ledger_app.command("replay")
def ledger_replay(as_json: AsJson = False) -> None:
    """Fold the ledger again and compare every case with the projection."""
    from bot import wiring
    from bot.audit.replay import replay

    store = wiring.open_store(configuration.offline())
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Folding", total=store.ledger.head()[0])
        replayed = replay(store.database, progress=lambda step: progress.advance(task, step))
    store.database.close()
    _findings(
        list(replayed.differences),
        f"{replayed.entries} entries fold into {replayed.cases} cases, as the projection says.",
        as_json,
    )


# --- passkeys ------------------------------------------------------------------------------------------------------------


@passkey_app.command("invite")
def passkey_invite(
    person: Annotated[str, typer.Argument(help="Their Slack id, like U012AB3CD.")],
    as_json: AsJson = False,
) -> None:
    """Make a link by which one person adds a passkey. Hand it to them yourself: whoever opens it first has it."""
    import getpass

    from bot import wiring
    from handlers.passkeys.app import adding

    settings = configuration.load()
    store = wiring.open_store(settings)
    try:
        switchboard, chat = wiring.open_switchboard(settings, store)
        principal = f"{chat.team_id()}/{person}"
        link = adding(
            settings.public_url, switchboard.invite(principal, operator=getpass.getuser())
        )
    finally:
        store.database.close()
    if as_json:
        print(json.dumps({"person": principal, "link": link}))
        return
    out.print("It works once, for a day. Hand it over in person, not through Slack:")
    out.print(link, markup=False, soft_wrap=True)


@passkey_app.command("list")
def passkey_list(as_json: AsJson = False) -> None:
    """Which passkeys there are."""
    from bot import wiring
    from bot.cases.canonical import to_plain

    store = wiring.open_store(configuration.offline())
    known = store.desk_controls.load().passkeys
    store.database.close()
    if as_json:
        print(json.dumps([to_plain(key) for key in known], indent=2))
        return
    table = Table("person", "name", "passkey", "site", "added")
    for key in known:
        table.add_row(
            key.person,
            key.name,
            key.credential[:16],
            key.site,
            f"{key.added_at:%d %b %Y %H:%M} UTC",
        )
    out.print(
        table if known else "There are none. `countersign passkey invite U…` lets somebody add one."
    )


@passkey_app.command("remove")
def passkey_remove(
    passkey: Annotated[str, typer.Argument(help="As `passkey list` shows it.")],
) -> None:
    """Take one away, lost or stolen. What it approved and is not carried out yet is asked again."""
    import getpass

    from bot import wiring

    settings = configuration.offline()
    store = wiring.open_store(settings)
    try:
        wiring.open_switchboard(settings, store)[0].remove_passkey(
            passkey, operator=getpass.getuser()
        )
    finally:
        store.database.close()
    out.print("It is removed; it signs nothing from now on.")


# --- memory --------------------------------------------------------------------------------------------------------------


@memory_app.command("rebuild")
def memory_rebuild(as_json: AsJson = False) -> None:
    """Make precedents and their index again from the ledger. Cut short, it goes on where it stopped."""
    from bot.console import opened

    with (
        opened(configuration.offline()) as knowledge,
        Progress(console=err, transient=True) as progress,
    ):
        task = progress.add_task("Reading the ledger", total=None)
        cases = sum(step for step, _ in knowledge.shelf.rebuild())
        total = knowledge.shelf.count()
        progress.update(task, description="Embedding", total=total, completed=0)
        indexed = knowledge.precedents.rebuild(lambda done: progress.advance(task, done))
        progress.update(task, description="Learning", total=None)
        _train(knowledge)
    summary = {"cases": cases, "precedents": total, "indexed": indexed}
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        out.print(f"{cases} cases read, {total} precedents, {indexed} in the index.", markup=False)


@memory_app.command("train")
def memory_train(
    as_json: AsJson = False,
    attached: Annotated[
        bool,
        typer.Option(
            "--attached", hidden=True, help="End when standard input does; as the bot starts it."
        ),
    ] = False,
) -> None:
    """Learn again from what people decided and confirmed. The bot does this by itself when there is enough that is new."""
    import os

    from bot.cases.errors import MemoryUnavailable
    from bot.console import opened

    if attached:
        threading.Thread(target=_end_with_input, name="parent", daemon=True).start()
    os.nice(10)
    with opened(configuration.offline()) as knowledge:
        try:
            summary = _train(knowledge)
        except MemoryUnavailable:
            if not attached:
                raise
            # Another one is at it already: what it learns is read by everybody.
            return
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        out.print(
            f"Version {summary['version']}: {summary['examples']} examples of {summary['kinds']} kinds; plans of {summary['plans'] or 'none'}.",
            markup=False,
        )


def _end_with_input() -> None:
    """End this process when whoever holds the other end of its standard input has ended."""
    import os

    # The bare descriptor: a thread inside a buffered reader keeps an interpreter from ending by itself.
    while os.read(0, 1_024):
        pass
    os._exit(1)


def _train(knowledge: Any) -> dict[str, Any]:
    from knowledge.training import alone_in, learn, lessons, save

    with alone_in(knowledge.folder):
        given = lessons(knowledge.shelf, knowledge.library.playbooks, knowledge.embedder)
        model = learn(given, knowledge.embedder)
        save(model, knowledge.folder)
    recogniser = model.recogniser
    return {
        "version": model.version,
        "examples": recogniser.examples if recogniser else 0,
        "kinds": len(recogniser.learner.labels) if recogniser else 0,
        "plans": ", ".join(sorted(model.plans)),
    }


@memory_app.command("learn")
def memory_learn(
    file: Annotated[Path, typer.Argument(help="Your past: a .csv or .jsonl file.")],
    playbook: Annotated[
        str, typer.Option(help="The kind of every row; or map a column to kind.")
    ] = "",
    maps: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help="FIELD=COLUMN: text, what, action, ended, reason, by, at, key, kind."
        ),
    ] = None,
    facts: Annotated[
        str, typer.Option(help="Columns to learn from beside the text, with commas between.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Take a team's past into memory as precedents. Again changes nothing; `memory forget` takes a batch back."""
    from bot.console import import_past, opened

    with (
        opened(configuration.offline()) as knowledge,
        Progress(console=err, transient=True) as progress,
    ):
        task = progress.add_task("Reading", total=None)
        done = import_past(
            knowledge, file, playbook, maps or [], facts, lambda: progress.advance(task)
        )
    if as_json:
        print(json.dumps(done, indent=2))
        raise typer.Exit(1 if done["rejected"] else 0)
    for wrong in done["rejected"][:20]:
        out.print(f"• line {wrong['line']}: {wrong['reason']}", markup=False)
    if len(done["rejected"]) > 20:
        out.print(f"• and {len(done['rejected']) - 20} more")
    out.print(
        f"{done['new']} new precedents of {done['read']} rows, in batch {done['batch']}.",
        markup=False,
    )
    if done["flagged"]:
        out.print(
            f"{done['flagged']} give orders to a machine: they are shown as such and count for nothing."
        )
    out.print(
        f"Take it back with `countersign memory forget {done['batch']}`. Learn with `countersign memory train`.",
        markup=False,
    )
    raise typer.Exit(1 if done["rejected"] else 0)


@memory_app.command("forget")
def memory_forget(
    batch: Annotated[str, typer.Argument(help="A batch that `memory status` lists.")],
) -> None:
    """Take an imported past back, whole."""
    from bot.console import opened

    with opened(configuration.offline()) as knowledge:
        many = knowledge.shelf.forget(batch)
        if not many:
            raise Refusal(f"there is no batch {batch}; `countersign memory status` lists them")
        note = knowledge.fill()
    out.print(f"{many} precedents are forgotten.{f' {note}' if note else ''}", markup=False)


@memory_app.command("status")
def memory_status(as_json: AsJson = False) -> None:
    """What is remembered, by kind and batch; whether the index agrees; what was learned."""
    from bot.console import opened, status

    with opened(configuration.offline()) as knowledge:
        told = status(knowledge)
    if as_json:
        print(json.dumps(told, indent=2))
        return
    table = Table("kind", "precedents", "right so far", "promise")
    for row in told["kinds"]:
        table.add_row(row["kind"], str(row["precedents"]), row["right"], row["promise"])
    out.print(table)
    for batch in told["batches"]:
        out.print(
            f"  batch {batch['name']}: {batch['precedents']} of {batch['kind']}", markup=False
        )
    for name in ("index", "embedder", "learned"):
        out.print(f"  {name}: {told[name]}", markup=False)


@memory_app.command("review")
def memory_review(as_json: AsJson = False) -> None:
    """Every case that was not recognised and that nobody has named yet: most at stake first."""
    from bot.console import abstained

    found = abstained(configuration.offline())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table("case", "state", "at stake", "it says", "best guesses")
    for row in found:
        table.add_row(
            row["case"], row["state"], row["stake"], row["title"][:60], ", ".join(row["guesses"])
        )
    out.print(table if found else "Nothing waits for a name.")


def _findings(problems: list[str], all_well: str, as_json: bool) -> None:
    """Print what was found; status 1 when anything was."""
    if as_json:
        print(json.dumps({"ok": not problems, "problems": problems}, indent=2))
    elif problems:
        for problem in problems:
            out.print(f"• {problem}", markup=False)
    else:
        out.print(all_well, markup=False)
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    main()
