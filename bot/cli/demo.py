"""``countersign demo``."""

import time
import webbrowser
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.progress import Progress

from bot.cases.errors import CountersignError
from bot.cli.app import STARTED_AT
from bot.cli.logs import configure_logging
from bot.cli.shutdown import StopSignal, exit_after
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import monotonic
from bot.demo.launcher import SampleData, launch_demo, prepare_sample_data
from bot.demo.processes import EmulatorProcess, free_port_or_any
from bot.demo.story import play
from bot.service import Service

#: The port in the README's commands.
README_PORT = 8080
FIRST_CARD_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 1.0
ENDED_STATES = ("RESOLVED", "REJECTED", "CLEARED", "EXPIRED")


def demo(
    headless: Annotated[bool, typer.Option(help="Do not open a browser.")] = False,
    story: Annotated[
        bool,
        typer.Option(
            help=(
                "Play a checked story and exit: eight signals, a decision, a refusal, an edit, a "
                "drift, a proof."
            )
        ),
    ] = False,
    prepare_only: Annotated[
        bool,
        typer.Option("--prepare", help="Create the sample company and its past cases, and exit."),
    ] = False,
    folder: Annotated[Path, typer.Option(help="Folder for the files of the demo.")] = Path(
        ".countersign/demo"
    ),
    port: Annotated[int, typer.Option(help="Port of the page; 0 chooses one.")] = 0,
    as_json: AsJson = False,
) -> None:
    configure_logging("WARNING")
    # Other processes get the path, and may have another working directory.
    folder = folder.resolve()
    data = _prepare(folder)
    if prepare_only:
        return
    if story:
        _play_story(folder, data, as_json=as_json)
    intake_port = free_port_or_any(README_PORT)
    with launch_demo(folder, data, port=port, intake_port=intake_port) as (emulator, service):
        try:
            _greet(emulator, service, _wait_for_first_card(emulator))
            if not headless:
                webbrowser.open(emulator.url)
            StopSignal().wait()
            out.print("Stopping.")
        finally:
            # What is cut short is a copy of the sample, which the next demo makes anew.
            exit_after(STOP_TIMEOUT_SECONDS)


def _prepare(folder: Path) -> SampleData:
    """Prepare the sample data, under a progress bar if it takes long."""
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Creating last year's cases (once a day)", visible=False)

        def report(count: int, total: int) -> None:
            progress.update(
                task,
                completed=count,
                total=total,
                visible=True,
            )

        return prepare_sample_data(folder, report)


def _wait_for_first_card(emulator: EmulatorProcess) -> float:
    """Return the seconds from program start to the first card."""
    while monotonic() - STARTED_AT < FIRST_CARD_TIMEOUT_SECONDS:
        channels = emulator.get("state?as=U0ANA")["channels"]
        if any(channel["messages"] for channel in channels):
            return round(monotonic() - STARTED_AT, 2)
        time.sleep(0.02)
    raise CountersignError(
        "no card appeared within a minute; run it again with COUNTERSIGN_LOG_LEVEL=DEBUG"
    )


def _greet(emulator: EmulatorProcess, service: Service, card_after: float) -> None:
    counts = service.desk.store.queries.counts()
    past_cases = sum(counts.get(state, 0) for state in ENDED_STATES)
    intake = f"http://127.0.0.1:{service.settings.port}/v1/signals"
    out.print()
    out.print("[bold]Harbour & Vine[/bold] is open.")
    out.print(f"  The ledger has {past_cases} cases of last year. The detectors look for new ones.")
    out.print(f"  The first card appeared after {card_after} s.")
    out.print(f"\n  Open  [bold cyan]{emulator.url}[/bold cyan]\n")
    out.print(
        "  You are Ana, a floor manager. Approve a card; the menu in the corner changes the person."
    )
    out.print("  The clock beside it moves to tomorrow, to the next deadline or to Monday.")
    out.print(f"  Send signals to {intake} (see README).")
    out.print("  Press Ctrl-C to stop.")


def _play_story(folder: Path, data: SampleData, *, as_json: bool) -> NoReturn:
    """Play the story and exit, with status 1 if a chapter failed."""

    def announce(title: str) -> None:
        if not as_json:
            out.print(f"… {title}", markup=False)

    summary = play(folder, data, announce)
    if as_json:
        print_json(summary)
    else:
        _print_chapters(summary["chapters"])
    raise typer.Exit(0 if summary["ok"] else 1)


def _print_chapters(chapters: list[dict[str, Any]]) -> None:
    for chapter in chapters:
        mark = "[green]✔[/green]" if chapter["ok"] else "[red]✘[/red]"
        out.print(f"{mark} {chapter['title']}")
        if not chapter["ok"]:
            out.print(f"    {chapter['detail']}", markup=False)
