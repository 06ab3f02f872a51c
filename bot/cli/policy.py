"""``countersign policy``: show, explain and try a policy."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from bot import storage
from bot.cases.backtest import Backtest, BacktestResult, Judged, Surroundings, summary_plain
from bot.cases.canonical import to_plain
from bot.cases.case import Case
from bot.cases.conditions import ANY_NAME, FUNCTIONS, VARIABLES
from bot.cases.constraints import Span
from bot.cases.entries import entry_of
from bot.cases.errors import Refusal
from bot.cases.policy import Policy, Stage
from bot.cases.verdict import Verdict, VerdictInputs
from bot.cli.rules_status import RulesStatus, rules_status
from bot.cli.terminal import AsJson, err, out, print_json
from bot.clock import utc_now
from bot.desk.past_plans import surroundings_of
from bot.ports.pinned_names import PinKind
from bot.preflight import open_library
from bot.settings import load_offline
from bot.store.store import Store
from bot.views.policy_backtest import (
    RULINGS,
    backtest_sentence,
    comparison_sentence,
    kind_rows,
    name_cases,
)
from bot.views.policy_page import policy_page
from knowledge.library import FileLibrary
from knowledge.library.policy import read_policy_file

MAX_CHANGES = 20
_TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    list: "list of texts",
    dict: "by name",
}


def show(as_json: AsJson = False) -> None:
    library = open_library(load_offline())
    policy = library.policy()
    status = _status(library)
    if as_json:
        print_json(
            {
                "digest": policy.checksum,
                "policy": to_plain(policy),
                "in_force": status.is_in_force,
                "status": status.sentence,
                "changes": list(status.changes),
                "case": status.on_case,
            }
        )
        return
    for part in policy_page(policy, library.labels()):
        table = Table(*part.columns, title=part.title, title_justify="left")
        for row in part.rows:
            table.add_row(*map(escape, row))
        out.print(table, markup=False)
    out.print(f"SHA-256 {policy.checksum}", markup=False)
    out.print(status.sentence, markup=False)
    for change in status.changes:
        out.print(f"  {change}", markup=False)


def _status(library: FileLibrary) -> RulesStatus:
    store = storage.open_store(load_offline())
    with closing(store.database):
        return rules_status(store, library)


def names(as_json: AsJson = False) -> None:
    rows = [
        (f"{owner}.{member}".removesuffix(f".{ANY_NAME}"), _TYPES[type(example)], meaning)
        for owner, members in VARIABLES.items()
        for member, (example, meaning) in members.items()
    ]
    if as_json:
        names = [
            {"name": name, "type": type_name, "meaning": meaning}
            for name, type_name, meaning in rows
        ]
        print_json({"names": names, "functions": list(FUNCTIONS)})
        return
    table = Table("Name", "Type", "Meaning")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table, markup=False)
    out.print(f"Functions: {', '.join(FUNCTIONS)}", markup=False)


# --- one verdict ----------------------------------------------------------------------------------


def explain(
    case_id: Annotated[str, typer.Argument(help="The case, like EX-12.")], as_json: AsJson = False
) -> None:
    store = storage.open_store(load_offline())
    with closing(store.database):
        case = store.cases.case(case_id)
    verdict = case.proposal.verdict
    if verdict is None:
        raise Refusal(f"{case.id} has no plan, so policy has not ruled on it")
    if as_json:
        print_json({"case": case.id, "verdict": to_plain(verdict)})
        return
    out.print(f"{case.id}  {_title(case)}\n", markup=False)
    for name, value in _explanation(verdict):
        out.print(f"  {name:<12} {value}", markup=False)


def _title(case: Case) -> str:
    return case.signal.title


def _explanation(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "Ruling", f"{verdict.ruling.value}: {verdict.reason}"
    yield "Rule", verdict.rule
    yield "Risk", verdict.tier.name.lower()
    for factor in verdict.factors:
        yield "Approvers", f"{factor.count} of {factor.group}"
    yield "Policy", verdict.policy_digest
    inputs = verdict.inputs
    if inputs is None:
        yield "Inputs", "not recorded: the verdict is of an earlier release"
        return
    if inputs.amount:
        yield "Amount", str(inputs.amount)
    if inputs.recent:
        yield "Together", f"{inputs.recent} with what one target or person got before"
    if inputs.threshold:
        yield "Over", str(inputs.threshold)
    for use in inputs.limits:
        yield "Limit", f"{use.action}: {use.total:,} of {use.maximum:,} ({use.rule})"
    for rule in inputs.rules:
        yield "Condition", rule
    if inputs.objection:
        yield "Not alone", inputs.objection
    yield from _grounds(inputs)


def _grounds(inputs: VerdictInputs) -> Iterator[tuple[str, str]]:
    """Say under which stage, rule and time it was judged."""
    yield "Stage", inputs.stage.value
    if inputs.standing_rule:
        yield "Within", f"standing rule {inputs.standing_rule}"
    if inputs.local_time:
        yield "Local time", inputs.local_time


# --- back-test ------------------------------------------------------------------------------------


def _read_since(value: str) -> Any:
    try:
        return TypeAdapter(Span).validate_python(value)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise typer.BadParameter(reason) from None


def backtest(
    file: Annotated[Path, typer.Argument(help="The policy to try (.yml).")],
    since: Annotated[
        str, typer.Option(help="Only plans of the last time, like 90d. Default: all.")
    ] = "",
    stage: Annotated[
        Stage | None,
        typer.Option(help="Judge as if every kind were at this stage. Default: its own."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    span = _read_since(since) if since else None
    library = open_library(settings)
    proposal = read_policy_file(
        file,
        systems=library.systems,
        playbooks=library.playbooks,
        systems_file=settings.library_dir / "systems.yml",
    )
    store = storage.open_store(settings)
    with closing(store.database):
        result = run_backtest(
            store,
            library.with_channel_ids(store.pinned_names.load(PinKind.CHANNEL)),
            proposal,
            since=utc_now() - span if span else None,
            stage=stage,
        )
    if as_json:
        print_json(_plain(result))
    else:
        _print_result(result)
    raise typer.Exit(1 if result.is_worse else 0)


def run_backtest(
    store: Store,
    library: FileLibrary,
    proposal: Policy,
    *,
    since: datetime | None,
    stage: Stage | None = None,
) -> BacktestResult:
    """Judge past plans by today's policy and by another one."""
    test = Backtest(
        today=library.policy(),
        proposal=proposal,
        surroundings=_surroundings(library, stage),
        since=since,
    )
    total = store.ledger.head()[0]
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("Judging past cases", total=total)
        for row in store.ledger.rows():
            progress.advance(task)
            plain = json.loads(row.body)
            if test.needs(plain["case"], plain["type"]):
                test.add(entry_of(plain), plain["type"])
    return test.result()


def _surroundings(library: FileLibrary, stage: Stage | None) -> Surroundings:
    surroundings = surroundings_of(library)
    if stage is None:
        return surroundings
    return replace(surroundings, stage=lambda kind, plan, initial: stage)


def _plain(result: BacktestResult) -> dict[str, Any]:
    return {
        **summary_plain(result),
        "sentence": backtest_sentence(result),
        "kinds": {
            kind: [
                {"today": before.value, "proposal": after.value, "cases": count}
                for (before, after), count in pairs.items()
            ]
            for kind, pairs in result.by_kind().items()
        },
        "changes": [to_plain(case) for case in result.differences()],
    }


def _ruling_text(ruling: Judged) -> str:
    text = f"{RULINGS[ruling.ruling]}, {ruling.tier.name.lower()} risk"
    return escape(f"{text} ({', '.join(ruling.approvers)})" if ruling.approvers else text)


def _print_result(result: BacktestResult) -> None:
    kinds = Table("Kind", *(name.capitalize() for name in RULINGS.values()), "Changed")
    for row in kind_rows(result):
        kinds.add_row(*map(escape, row))
    if result.cases:
        out.print(kinds, markup=False)
    changes = list(result.differences())
    if changes:
        table = Table("Case", "Kind", "Today", "With this", "Because", "Was wrong")
        for case in changes[:MAX_CHANGES]:
            cells = (
                case.case_id,
                case.kind,
                _ruling_text(case.before),
                _ruling_text(case.after),
                escape(case.after.reason),
                ", ".join(case.misses),
            )
            table.add_row(*cells)
        out.print(table, markup=False)
        if len(changes) > MAX_CHANGES:
            rest = tuple(case.case_id for case in changes[MAX_CHANGES:])
            out.print(f"Also changed: {name_cases(rest)}", markup=False)
    out.print(comparison_sentence(result), markup=False)
    out.print(backtest_sentence(result), markup=False)
