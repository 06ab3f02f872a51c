"""Approvals of the next plans: the form, its values and the meter."""

from bot.cases.case import Case
from bot.cases.grant import MAX_GRANT_COUNT, Grant, GrantMeter
from bot.cases.granting import GrantTerms
from bot.cases.plan import Money
from bot.views.labels import Labels
from handlers.cards import ids
from handlers.cards.blocks import (
    actions_block,
    button,
    confirmation,
    input_block,
    modal,
    option,
    selected_option,
    static_select,
    text_input,
)
from handlers.cards.case_words import case_wording, describe_target
from handlers.cards.forms import case_form, until_block
from handlers.cards.question import describe_plan
from handlers.cards.text import Json, clean, date_run, paragraph, rich_text, text_run
from handlers.cards.wording import money_text, plural

NO_LABELS = Labels()
MAX_PLAN_LENGTH = 500
MAX_TARGET_LENGTH = 60
MAX_AMOUNT_LENGTH = 20
MAX_NAME_LENGTH = 60
MAX_WHAT_LENGTH = 200
ANY, SAME = "any", "same"
COUNTS = (1, 2, 3, 4, 5, 6, 8, 10, 15, MAX_GRANT_COUNT)


def grant_form(case: Case, suggestion: GrantTerms, labels: Labels = NO_LABELS) -> Json:
    """Build the form that asks for number, sum and end."""
    plan = case.proposal.plan
    wording = case_wording(case, labels)
    text = clean(describe_plan(plan, wording), MAX_PLAN_LENGTH) if plan else ""
    rule = (
        "You approve this now, and the next ones like it without being asked. Each must be the"
        " same action, no larger than this one, and within policy. Any trouble ends it, and you can"
        " stop it at any time."
    )
    counts = [option(str(count), str(count)) for count in COUNTS]
    count = static_select(
        ids.COUNT, counts, initial_option=selected_option(counts, str(suggestion.count))
    )
    return case_form(
        case,
        callback_id=ids.APPROVE_NEXT_FORM,
        title="Approve",
        submit="Approve",
        blocks=[
            rich_text(paragraph(text_run(text, bold=True)), paragraph(text_run(rule))),
            input_block("count", "How many more?", count),
            *_amount_input(case, suggestion),
            until_block(int(suggestion.until.timestamp())),
            *_target_input(case, labels),
        ],
    )


def _amount_input(case: Case, suggestion: GrantTerms) -> list[Json]:
    plan = case.proposal.plan
    if plan is None or plan.amount is None or suggestion.amount is None:
        return []
    field = text_input(
        ids.AMOUNT, max_length=MAX_AMOUNT_LENGTH, initial_value=f"{suggestion.amount:.2f}"
    )
    return [input_block("amount", f"Up to how much in all ({plan.amount.currency})?", field)]


def _target_input(case: Case, labels: Labels) -> list[Json]:
    plan = case.proposal.plan
    if plan is None:
        return []
    target = describe_target(
        case, plan.actions[0], case_wording(case, labels), limit=MAX_TARGET_LENGTH
    )
    options = [option("Whatever it is about", ANY), option(f"Only {target}"[:75], SAME)]
    select = static_select(ids.TARGET, options, initial_option=options[0])
    return [input_block("target", "About what?", select)]


def grant_notice(grant: Grant) -> Json:
    """Build the window that says in one sentence what was allowed."""
    many = plural(grant.max_count, "more like it", "more like it")
    about = " about the same" if grant.target else ""
    amount = f", {money_text(grant.max_amount)} in all" if grant.max_amount else ""
    begin = text_run(f"{grant.on_case} is approved, and so are up to {many}{about}{amount}, until ")
    end = text_run(". Its card and your Home count them, and have the button to stop.")
    return modal(
        "Approved",
        [rich_text(paragraph(begin, date_run(grant.until), end))],
        close="Close",
    )


def grant_blocks(meter: GrantMeter, what: str = "") -> list[Json]:
    """Build the meter with its button to stop.

    ``what`` says what is approved, where the place does not.
    """
    grant = meter.grant
    words = [clean(what, MAX_WHAT_LENGTH), meter_text(meter)]
    text = text_run(f"🎟️ {' '.join(filter(None, words))}, until ")
    dialog = confirmation("Stop?", "From now on such plans ask again.", confirm="Stop")
    stop = button("Stop…", ids.STOP_GRANT, grant.id)
    return [
        rich_text(paragraph(text, date_run(grant.until))),
        actions_block(f"grant:{grant.id}", [{**stop, "confirm": dialog}]),
    ]


def named_grant_blocks(meter: GrantMeter, title: str) -> list[Json]:
    """Build the meter with its giver and kind."""
    giver = clean(meter.grant.giver_name, MAX_NAME_LENGTH)
    kind = clean(title, MAX_NAME_LENGTH)
    return grant_blocks(meter, f"{giver} approved in advance with {meter.grant.on_case} ({kind}): ")


def meter_text(meter: GrantMeter) -> str:
    """Write its use, such as "2 of 3 more, £410.00 of £600.00"."""
    grant, use = meter.grant, meter.use
    text = f"{use.count} of {grant.max_count} more"
    if grant.max_amount:
        used_amount = Money(use.amount, grant.max_amount.currency)
        text += f", {money_text(used_amount)} of {money_text(grant.max_amount)}"
    return text
