"""Write the page of a case, for an auditor.

It follows from the pack alone, so it can be written again and compared.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path

from bot.audit.case_pack import CasePack, Erased, PackedEntry, pack_to_plain
from bot.cases import entries
from bot.cases.case import Case
from bot.cases.ledger import leaf_hash
from bot.cases.plan import Plan
from bot.views.entry_content import EntryContent, TrailItem, trail
from bot.views.labels import as_words, start_upper

STYLE = Path(__file__).with_name("pack.css")
ELEMENT = '<script type="application/json" id="countersign-pack">'
# What could end the element, or begin another; in JSON these stand only in texts.
ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
DECISIONS = (
    *(entries.ApprovalGiven, entries.Withdrawn, entries.Authorised, entries.Rejected),
    *(entries.Edited, entries.HandedOver, entries.UndoApproved, entries.UndoAsked),
    entries.Settled,
)
STEPS = (
    *(entries.StepStarted, entries.StepReported, entries.Settled, entries.Drifted),
    *(entries.Stopped, entries.Parked),
)


def pack_page(pack: CasePack) -> str:
    """Write the page of a pack."""
    items = list(trail(line.entry for line in pack.entries))
    case = items[-1].case
    parts = [
        _heading(pack, case),
        _section("Who decided, on which plan", _decisions(items)),
        _section("The plan and its steps", _steps(items)),
        _section("What happened", _history(items)),
        _section("How to verify this page", _verification(pack)),
        _section("The record", _record(pack)),
        f"{ELEMENT}{_embedded(pack)}</script>",
    ]
    title = escape(f"{pack.case_id}: {case.signal.title}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # The page is all there is: it loads nothing and runs nothing.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


def _embedded(pack: CasePack) -> str:
    return json.dumps(pack_to_plain(pack), ensure_ascii=False, indent=1).translate(ESCAPES)


def _section(title: str, content: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"


def _heading(pack: CasePack, case: Case) -> str:
    ended_at = case.ended_at
    facts = [
        ("Case", pack.case_id),
        ("Kind", start_upper(as_words(case.kind))),
        ("State", str(case.state)),
        ("Opened", moment(case.timers.opened_at)),
        ("Ended", moment(ended_at) if ended_at else "not yet"),
        ("Source", as_words(case.signal.source)),
        ("Record", f"{len(pack.entries)} entries, under a checkpoint of {pack.size}"),
        ("Made", moment(pack.made_at)),
    ]
    return f"<h1>{escape(case.signal.title)}</h1>\n{_facts(facts)}"


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    lines = [f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts]
    return "<dl>\n" + "\n".join(lines) + "\n</dl>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of HTML cells; the first is a time."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        lines.append(f'<tr><td class="when">{first}</td>{cells}</tr>')
    body = "\n".join(lines)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _history(items: Sequence[TrailItem]) -> str:
    rows = [
        (moment(item.entry.at), escape(start_upper(item.author)), _words(item.content))
        for item in items
    ]
    return _table(("When", "Who", "What"), rows)


def _words(content: EntryContent) -> str:
    lines = "".join(f"<li>{escape(str(line))}</li>" for line in content.lines)
    return f"{escape(content.sentence)}." + (f"<ul>{lines}</ul>" if lines else "")


def _decisions(items: Sequence[TrailItem]) -> str:
    rows = [
        (
            moment(item.entry.at),
            escape(start_upper(item.author)),
            f"{escape(item.content.sentence)}.",
            _plan_name(item.case),
        )
        for item in items
        if isinstance(item.entry.body, DECISIONS)
    ]
    if not rows:
        return "<p>Nobody has decided yet.</p>"
    return _table(("When", "Who", "Decision", "Plan"), rows)


def _plan_name(case: Case) -> str:
    plan = case.proposal.plan
    if plan is None:
        return "none"
    return f"Plan {case.proposal.revision}<br><code>{plan.plan_hash}</code>"


def _steps(items: Sequence[TrailItem]) -> str:
    plan = items[-1].case.proposal.plan
    if plan is None:
        return "<p>There is no plan.</p>"
    rows = [
        (moment(item.entry.at), _words(item.content))
        for item in items
        if isinstance(item.entry.body, STEPS)
    ]
    steps = _table(("When", "What"), rows) if rows else "<p>No step was begun.</p>"
    return f"{_plan_summary(plan)}\n{steps}"


def _plan_summary(plan: Plan) -> str:
    actions = "".join(
        f"<li>{number}. {escape(action.summary)} ({escape(as_words(action.system))}): "
        f"{escape(action.preview)}</li>"
        for number, action in enumerate(plan.actions, start=1)
    )
    mode = " It is a dry run: nothing was changed." if plan.is_dry_run else ""
    return (
        f"<p>Plan {plan.revision}, not to begin after {moment(plan.not_after)}.{mode}</p>"
        f"<ul>{actions}</ul>\n<p><code>{plan.plan_hash}</code></p>"
    )


def _verification(pack: CasePack) -> str:
    case_id = escape(pack.case_id)
    return (
        "<p>This page holds the entries of the case exactly as they were signed, and for each a "
        "proof that it is part of the tree that the checkpoint signs. Whoever changes a "
        "character of an entry, a proof or the checkpoint is found out. The sentences above are "
        "written from the entries; what is proved is the record.</p>\n"
        "<p>Save this page, and run one of these where Python is. The first needs Countersign and "
        "compares the sentences too; the second is one file that an export of the ledger "
        "holds.</p>\n"
        f"<pre>countersign ledger verify-pack {case_id}.html --key '…'\n"
        f"python verifier.py {case_id}.html --key '…'</pre>\n"
        "<p>Use the public key that you keep, and compare it with this one:</p>\n"
        f"<pre>{escape(pack.key)}</pre>\n"
        "<p>The signed checkpoint:</p>\n"
        f"<pre>{escape(pack.checkpoint)}</pre>\n"
        '<p class="quiet">A page shows that nothing before its last entry is missing. Whether the '
        "case went on later, only a later page or an export can show.</p>"
    )


def _record(pack: CasePack) -> str:
    erasures = pack.erasures
    parts = [_entry(line, erasures.get(line.seq)) for line in pack.entries]
    if pack.devices:
        parts.append("<p>The devices with which approvers signed, and who was erased:</p>")
        parts += [_entry(line, erasures.get(line.seq)) for line in pack.devices]
    return "\n".join(parts)


def _entry(line: PackedEntry, erasure: Erased | None) -> str:
    leaf = leaf_hash(line.text.encode()).hex()
    remark = ""
    if erasure:
        leaf = erasure.redaction.leaf
        remark = f"<p>{escape(_erasure_sentence(erasure.order))}</p>\n"
    proof = " ".join(node.hex() for node in line.proof)
    return (
        f'<div class="entry"><h3>Entry {line.seq}</h3>\n{remark}<pre>{escape(line.text)}</pre>\n'
        f'<p class="quiet">Leaf <code>{leaf}</code></p>\n'
        f'<p class="quiet">Proof <code class="proof">{proof or "(the only leaf)"}</code></p></div>'
    )


def _erasure_sentence(order: entries.Entry) -> str:
    if isinstance(order.body, entries.DataExpired):
        return f"What this entry was about was removed by policy on {moment(order.at)}."
    by_name = order.body.by_name if isinstance(order.body, entries.DataErased) else ""
    return f"A person was erased from this entry on {moment(order.at)} by order of {by_name}."


def moment(at: datetime) -> str:
    """Write a time to the second, in UTC."""
    return f"{at.day} {at:%b %Y %H:%M:%S} UTC"
