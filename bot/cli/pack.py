"""``countersign pack``: check, try and begin packs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bot.cases.errors import BadRequest, PlaybookInvalid, Refusal
from bot.cases.finding import Finding, Severity
from bot.cases.plan import Action, Plan
from bot.cases.verdict import Verdict
from bot.cli.findings import group_by_cause, print_causes
from bot.cli.pack_skeleton import write_skeleton
from bot.cli.pack_trial import PackTrial, TrialCase, open_trial
from bot.cli.terminal import AsJson, out, print_hanging, print_json
from bot.cli.trial import card_of, deciders, find_unknown, print_trial, words_of
from bot.lazy_module import LazyModule
from bot.views.labels import Labels
from knowledge.library.complaints import read_complaints
from knowledge.library.packs import Pack, find_pack_problems, open_pack, read_pack
from knowledge.library.places import LibraryFiles

if TYPE_CHECKING:
    from bot.cli import card_page
else:
    # Whoever opens no page needs no server.
    card_page = LazyModule("bot.cli.card_page")

PackArgument = Annotated[
    str, typer.Argument(help="A pack of this release by name, or a folder or zip.")
]


def check(pack: PackArgument, as_json: AsJson = False) -> None:
    with open_pack(pack) as folder:
        findings = find_problems(folder)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if as_json:
        print_json({"ok": not errors, "findings": [_to_plain(finding) for finding in findings]})
    else:
        print_causes(group_by_cause(findings))
        if not findings:
            out.print("The pack is sound: it finds what it expects, and nothing else.")
    raise typer.Exit(1 if errors else 0)


def find_problems(folder: Path) -> list[Finding]:
    """Check a pack's files, and try it on its own company."""
    try:
        pack = read_pack(folder)
    except PlaybookInvalid as error:
        return list(read_complaints(str(error), LibraryFiles(folder)))
    findings = find_pack_problems(pack)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return findings
    try:
        with open_trial(pack) as trial:
            trial.run()
            trial.compare()
            trial.carry_out()
            return [*findings, *trial.findings]
    except BadRequest as refusal:
        return [*findings, Finding(sentence=str(refusal))]


def try_pack(
    pack: PackArgument,
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the cards as Slack shows them, in a browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    with open_pack(pack) as folder:
        contents = read_pack(folder)
        with open_trial(contents) as trial:
            trial.run()
            trial.compare()
        first_cases = _first_cases(trial)
    if as_json:
        cases = [_case_to_plain(case, contents) for case in trial.cases]
        print_json({"cases": cases, "findings": [_to_plain(one) for one in trial.findings]})
    else:
        _print_trial(contents, trial, first_cases)
    if open_page:
        card_page.show_cards([card_of(case.case, contents.library) for case in first_cases])
    raise typer.Exit(1 if trial.findings else 0)


def _first_cases(trial: PackTrial) -> list[TrialCase]:
    """Return the first case of each kind, preferably one with a plan."""
    by_kind: dict[str, TrialCase] = {}
    for case in trial.cases:
        first = by_kind.setdefault(case.kind, case)
        if case.actions and not first.actions:
            by_kind[case.kind] = case
    return list(by_kind.values())


def _print_trial(pack: Pack, trial: PackTrial, first_cases: Sequence[TrialCase]) -> None:
    labels = pack.library.labels()
    about = pack.about
    print_hanging("", f"{about.title} {about.version}: {about.description}")
    for case in first_cases:
        out.print()
        out.print(f"{labels.kind(case.kind)} ({case.subject})", style="bold", markup=False)
        print_trial(case.case, pack.library)
    out.print()
    table = Table("case", "subject", "plan", "who decides", show_lines=True)
    for case in trial.cases:
        table.add_row(*map(Text, _table_row(case, pack)))
    out.print(table)
    _print_absent(pack, labels)
    print_causes(group_by_cause(trial.findings))
    out.print("Nothing was changed: the company was made for this trial, and is gone.")


def _print_absent(pack: Pack, labels: Labels) -> None:
    """Print what looks alike and is no case, with the reasons."""
    for kind, expectation in pack.expectations.items():
        if expectation.absent:
            print_hanging("", f"{labels.kind(kind)}: no case is")
        for subject, reason in expectation.absent.items():
            print_hanging("  ", f"{subject}, because {reason}")


def _table_row(case: TrialCase, pack: Pack) -> tuple[str, ...]:
    labels = pack.library.labels()
    verdict = case.case.proposal.verdict
    steps = "\n".join(_summaries(case, pack)) or "a person decides"
    who = f"{deciders(verdict)}\n{verdict.tier.name.lower()} risk" if verdict else ""
    return (labels.kind(case.kind), case.subject, steps, who)


def _summaries(case: TrialCase, pack: Pack) -> list[str]:
    """Return the steps of the plan in words."""
    plan = case.case.proposal.plan
    return [words_of(action.summary, case.case, pack.library) for action in _steps(plan)]


def _steps(plan: Plan | None) -> Sequence[Action]:
    return plan.actions if plan else ()


def _judgement_to_plain(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"risk": None, "decides": None}
    return {"risk": verdict.tier.name.lower(), "decides": deciders(verdict)}


def _case_to_plain(case: TrialCase, pack: Pack) -> dict[str, Any]:
    return {
        "kind": case.kind,
        "subject": case.subject,
        "what": case.case.assessment.what,
        "plan": list(case.actions),
        "dry_run": [action.preview for action in _steps(case.case.proposal.plan)],
        **_judgement_to_plain(case.case.proposal.verdict),
        "unknown": find_unknown(case.case, pack.library),
    }


def _to_plain(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity.value,
        "sentence": finding.sentence,
        "suggestion": finding.suggestion,
        "place": finding.place,
    }


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to create. Its name names the pack.")],
) -> None:
    if folder.exists():
        raise Refusal(f"{folder} already exists; name another folder, or remove it")
    write_skeleton(folder)
    out.print(f"Wrote {folder}. Begin with company.sql and the playbook, then:", markup=False)
    out.print(f"  countersign pack check {folder}", markup=False, soft_wrap=True)
    out.print(f"  countersign pack try {folder}", markup=False, soft_wrap=True)
