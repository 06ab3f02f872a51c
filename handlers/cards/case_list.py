"""Windows about many cases: a whole list, and one decision on all."""

from collections.abc import Iterable, Sequence

from bot.cases.case import Case
from bot.cases.entries import RejectReason
from bot.cases.plan import Money
from bot.views.case_list import CaseGroup, CaseListView, GroupAct, GroupOutcome
from bot.views.digest import sum_money
from bot.views.labels import as_words
from bot.views.plan_words import plan_items
from handlers.cards import ids
from handlers.cards.blocks import (
    MAX_OPTIONS,
    actions_block,
    button,
    context_block,
    form,
    input_block,
    modal,
    option,
    static_select,
    text_input,
)
from handlers.cards.rows import Permalink, case_rows
from handlers.cards.text import Json, bullets, clean, paragraph, plain_text, rich_text, text_run
from handlers.cards.wording import money_text

MAX_PREVIEW = 10
MAX_REFUSALS = 20
MAX_NOTE_LENGTH = 1_000
VERBS = {
    GroupAct.REJECT: "Reject",
    GroupAct.NAME_KIND: "Name",
    GroupAct.APPROVE: "Approve",
}
DONE = {
    GroupAct.REJECT: "rejected",
    GroupAct.NAME_KIND: "named",
    GroupAct.APPROVE: "approved",
}


def case_list_modal(view: CaseListView, permalink: Permalink) -> Json:
    """Build one page of a whole list."""
    blocks = [context_block(_describe_page(view))]
    blocks += case_rows("list", view.rows, permalink)
    buttons = _page_buttons(view)
    if buttons:
        blocks.append(actions_block("pages", buttons))
    return modal(
        view.title,
        blocks,
        close="Close",
    )


def _describe_page(view: CaseListView) -> str:
    noun = "case" if view.total == 1 else "cases"
    order = ", the most urgent first" if view.is_by_urgency else ""
    if view.pages == 1:
        return f"{view.total:,} {noun}{order}"
    return f"{view.total:,} {noun}{order}. Page {view.page + 1} of {view.pages}"


def _page_buttons(view: CaseListView) -> list[Json]:
    buttons = []
    if view.page > 0:
        buttons.append(button("Back", ids.PREVIOUS_PAGE, f"{view.page - 1} {view.key}"))
    if view.page + 1 < view.pages:
        buttons.append(button("Next", ids.NEXT_PAGE, f"{view.page + 1} {view.key}"))
    return buttons


def group_form(group: CaseGroup, kinds: Iterable[tuple[str, str]]) -> Json:
    """Build the form that decides on many cases at once.

    It lists what it is about. ``kinds`` are names and titles.
    """
    case_ids = ",".join(case.id for case in group.cases)
    verb = VERBS[group.act]
    note = text_input(
        ids.NOTE,
        max_length=MAX_NOTE_LENGTH,
        multiline=True,
    )
    return form(
        ids.GROUP_FORM,
        private_metadata=f"{group.act} {group.checksum} {case_ids}",
        title=f"{verb} {len(group.cases)} cases",
        submit=f"{verb} all {len(group.cases)}",
        blocks=[
            rich_text(paragraph(text_run(_describe_group(group), bold=True))),
            *_group_fields(group.act, kinds),
            input_block(
                "note",
                "Why?",
                note,
                hint="It is recorded with each case.",
            ),
            # Below the fields, which a long list would push out of sight on a phone.
            rich_text(bullets(_preview(group.cases))),
        ],
    )


def _describe_group(group: CaseGroup) -> str:
    parts = [f"{VERBS[group.act]} {len(group.cases)} cases, each recorded on its own."]
    amounts = _join_amounts(sum_money(_amount(case) for case in group.cases))
    if amounts and group.act is GroupAct.APPROVE:
        parts.append(f"Their plans move {amounts} in all.")
    if group.more:
        parts.append(f"{group.more:,} more can follow after these.")
    return " ".join(parts)


def _amount(case: Case) -> Money | None:
    return case.proposal.plan.amount if case.proposal.plan else None


def _join_amounts(amounts: Sequence[Money]) -> str:
    return " and ".join(money_text(amount) for amount in amounts)


def _preview(cases: Sequence[Case]) -> list[list[Json]]:
    items = []
    for case in cases[:MAX_PREVIEW]:
        plan = case.proposal.plan
        steps = "; ".join(plan_items(plan, str, as_words)) if plan else ""
        title = text_run(f"{case.id}  {clean(case.signal.title, 80)}")
        items.append([title, text_run(f"  {clean(steps, 100)}")] if steps else [title])
    if len(cases) > MAX_PREVIEW:
        items.append([text_run(f"and {len(cases) - MAX_PREVIEW} more")])
    return items


def _group_fields(act: GroupAct, kinds: Iterable[tuple[str, str]]) -> list[Json]:
    match act:
        case GroupAct.REJECT:
            options = [option(reason.description, reason.value) for reason in RejectReason]
            reasons = static_select(
                ids.REASON,
                options,
                placeholder="Choose a reason",
            )
            return [input_block("reason", "The one cause", reasons)]
        case GroupAct.NAME_KIND:
            options = [option(title, kind) for kind, title in kinds]
            select = static_select(
                ids.KIND,
                options[:MAX_OPTIONS],
                placeholder="Choose a kind",
            )
            return [input_block("kind", "What are they?", select)]
        case GroupAct.APPROVE:
            return []


def group_outcome(outcome: GroupOutcome) -> Json:
    """Build the window that says what became of each case."""
    total = len(outcome.successes) + len(outcome.refusals)
    summary = f"{len(outcome.successes)} of {total} {DONE[outcome.act]}."
    blocks = [rich_text(paragraph(text_run(summary, bold=True)))]
    if outcome.refusals:
        items = []
        for case_id, reason in outcome.refusals[:MAX_REFUSALS]:
            items.append([text_run(f"{case_id}: {clean(reason, 200)}")])
        blocks.append(rich_text(paragraph(text_run("Not done")), bullets(items)))
    if len(outcome.refusals) > MAX_REFUSALS:
        more = len(outcome.refusals) - MAX_REFUSALS
        blocks.append(context_block(plain_text(f"and {more} more were not done")))
    return modal(
        "Done",
        blocks,
        close="Close",
    )
