"""``countersign pack``: check, try and begin packs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cases.errors import BadRequest, PlaybookInvalid, Refusal
from bot.cases.finding import Finding, Severity
from bot.cases.plan import Plan
from bot.cli.pack_skeleton import write_skeleton
from bot.cli.pack_trial import PackTrial, TrialCase, open_trial
from bot.cli.terminal import AsJson, out, print_json
from bot.views.labels import Labels
from knowledge.library.complaints import read_complaints
from knowledge.library.packs import Pack, find_pack_problems, open_pack, read_pack
from knowledge.library.places import LibraryFiles

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
        for finding in findings:
            out.print(f"• {_sentence(finding)}", markup=False, soft_wrap=True)
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


def try_pack(pack: PackArgument, as_json: AsJson = False) -> None:
    with open_pack(pack) as folder:
        contents = read_pack(folder)
        with open_trial(contents) as trial:
            trial.run()
            trial.compare()
    if as_json:
        cases = [_case_to_plain(case) for case in trial.cases]
        print_json({"cases": cases, "findings": [_to_plain(one) for one in trial.findings]})
    else:
        _print_trial(contents, trial)
    raise typer.Exit(1 if trial.findings else 0)


def _print_trial(pack: Pack, trial: PackTrial) -> None:
    labels = pack.library.labels()
    about = pack.about
    out.print(f"{about.title} {about.version}: {about.description}", markup=False, soft_wrap=True)
    table = Table("case", "what the card says", "plan", "who decides", show_lines=True)
    for case in trial.cases:
        table.add_row(*(_with_channels(cell, labels) for cell in _table_row(case, labels)))
    out.print(table)
    for kind, expectation in pack.expectations.items():
        for subject, reason in expectation.absent.items():
            out.print(
                f"{labels.kind(kind)}: {subject} is no case: {reason}", markup=False, soft_wrap=True
            )
    for finding in trial.findings:
        out.print(f"• {_sentence(finding)}", markup=False, soft_wrap=True)
    out.print("Nothing was changed: the company was made for this trial, and is gone.")


def _table_row(case: TrialCase, labels: Labels) -> tuple[str, ...]:
    plan = case.case.proposal.plan
    what = case.case.assessment.what
    steps = "\n".join(_steps(plan)) if plan else "a person decides"
    return (f"{labels.kind(case.kind)}\n{case.subject}", what, steps, _deciders(case))


def _with_channels(text: str, labels: Labels) -> str:
    """Name channels as people do."""
    for channel, title in labels.channels.items():
        text = text.replace(channel, f"#{title}")
    return text


def _steps(plan: Plan) -> Sequence[str]:
    return [action.summary for action in plan.actions]


def _deciders(case: TrialCase) -> str:
    verdict = case.case.proposal.verdict
    if verdict is None:
        return ""
    groups = ", ".join(factor.group for factor in verdict.factors)
    return f"{groups or 'nobody is asked'}\n{verdict.tier.name.lower()} risk"


def _case_to_plain(case: TrialCase) -> dict[str, Any]:
    verdict = case.case.proposal.verdict
    return {
        "kind": case.kind,
        "subject": case.subject,
        "what": case.case.assessment.what,
        "plan": list(case.actions),
        "risk": verdict.tier.name.lower() if verdict else None,
    }


def _sentence(finding: Finding) -> str:
    parts = [finding.sentence]
    if finding.place:
        parts.insert(0, f"{finding.place}: ")
    if finding.suggestion:
        parts.append(f". {finding.suggestion}")
    return "".join(parts)


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
