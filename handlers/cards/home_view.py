"""App Home: a person's queue, and the cases around it."""

from collections.abc import Sequence

from bot.cases.lifecycle import State
from bot.views.app_home import HomeDelegation, HomeFilter, HomePause, HomePeriod, HomeView
from bot.views.labels import start_upper
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.blocks import (
    MAX_OPTIONS,
    actions_block,
    button,
    confirmation,
    context_block,
    form,
    header_block,
    heading,
    input_block,
    modal,
    option,
    selected_option,
    static_select,
    text_input,
)
from handlers.cards.charts import charts
from handlers.cards.grant_form import named_grant_blocks
from handlers.cards.hindsight import review_buttons
from handlers.cards.rows import Permalink, case_rows, plain_rows
from handlers.cards.text import (
    Json,
    clean,
    date_run,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)

EVERY_KIND = "every"
WHEN_LABELS = {
    HomePeriod.ALWAYS: "All that is open",
    HomePeriod.LATE: "Late",
    HomePeriod.TODAY: "New today",
}
# Buttons of the home act for the person; there is no case to name.
NO_VALUE = "-"
MAX_NOTICES = 5
MAX_DELEGATIONS = 40
MAX_REASON_LENGTH = 500
EVERYTHING = "everything"
# The key of the list of everything that a person may see.
VISIBLE = "visible"


def home_view(home: HomeView, permalink: Permalink) -> Json:
    """Build the view for ``views.publish``."""
    blocks = [
        header_block(_headline(home)),
        *_notices(home),
        actions_block("home", _filters(home)),
        *_waiting(home, permalink),
        *_own_cases(home, permalink),
        *_team_cases(home, permalink),
        *_section("Handled without you", _handled_alone(home, permalink)),
        *_figures(home),
        *charts(home.days),
        *_practice(home),
        actions_block("home:more", _secondary_buttons(home)),
    ]
    return {"type": "home", "blocks": blocks}


def _figures(home: HomeView) -> list[Json]:
    """Build the line of figures above the charts."""
    return [context_block(plain_text(home.figures, 300))] if home.figures else []


def _practice(home: HomeView) -> list[Json]:
    """Say that practice cases exist, to those who decide."""
    if not home.practice_notice or not home.rights.may_delegate:
        return []
    return [context_block(plain_text(home.practice_notice, 300))]


def _headline(home: HomeView) -> str:
    count = len(home.waiting) + home.waiting_more
    if home.preferences.filter == HomeFilter():
        return f"{count:,} waiting on you" if count else "All clear"
    return f"{count:,} of these waiting on you" if count else "None of these waits on you"


def _notices(home: HomeView) -> list[Json]:
    """Build the lines about pauses, delegations and the person's status."""
    blocks = []
    for pause in home.pauses[:MAX_NOTICES]:
        blocks += _pause(pause)
    for number, delegation in enumerate(home.delegations[:MAX_NOTICES]):
        blocks += delegation_blocks(delegation, number)
    for meter, title in home.grants[:MAX_NOTICES]:
        blocks += named_grant_blocks(meter, title)
    for sentence in home.versions[:MAX_NOTICES]:
        blocks.append(context_block(plain_text(f"🧪 {clean(sentence, 250)}", 300)))
    if home.suggestion and home.rights.may_delegate:
        status = clean(home.suggestion, 80)
        text = f"🌴 Your status says “{status}”. Shall somebody stand in?"
        blocks.append(context_block(plain_text(text, 150)))
    return blocks


def _pause(pause: HomePause) -> list[Json]:
    """Build a pause, with a button for those who may resume."""
    text = f"⏸ {start_upper(clean(pause.description, 250))}"
    if pause.resumers and not pause.is_resumable:
        groups = " or ".join(f"@{group}" for group in pause.resumers)
        text += f". Only {clean(groups, 80)} may resume it"
    blocks = [context_block(plain_text(text, 400))]
    if pause.is_resumable:
        dialog = confirmation(
            "Resume?", "What waits for this pause continues at once.", confirm="Resume"
        )
        resume = button("Resume…", ids.HOME_RESUME, f"resume {pause.scope}")
        blocks.append(actions_block(f"resume:{pause.scope}", [{**resume, "confirm": dialog}]))
    return blocks


def delegation_blocks(delegation: HomeDelegation, number: int) -> list[Json]:
    """Build a delegation, with the button that ends it.

    ``number`` keeps the blocks of several delegations apart.
    """
    names = f"{clean(delegation.taker_name, 60)} stands in for {clean(delegation.giver_name, 60)}"
    kind = f" ({clean(delegation.kind_title, 80)})" if delegation.kind else ""
    sentence = text_run(f"🤝 {names}{kind} until ")
    dialog = confirmation(
        "End it?", "From now on they decide only what they may decide themselves.", confirm="End it"
    )
    value = f"{delegation.giver} {delegation.taker} {delegation.kind}"
    end = button("End now…", ids.HOME_END_DELEGATION, value)
    block = actions_block(f"delegation:{number}", [{**end, "confirm": dialog}])
    return [rich_text(paragraph(sentence, date_run(delegation.ends_at))), block]


def _filters(home: HomeView) -> list[Json]:
    """Build the menus that narrow the queue below them."""
    kinds = [option("Every kind", EVERY_KIND)]
    kinds += [option(title, kind) for kind, title in home.kinds]
    times = [option(label, when) for when, label in WHEN_LABELS.items()]
    elements = [
        _filter(ids.HOME_KIND, kinds[:MAX_OPTIONS], home.preferences.filter.kind),
        _filter(ids.HOME_WHEN, times, home.preferences.filter.when),
    ]
    if home.suggestion and home.rights.may_delegate:
        # Their status says that they are away: the button comes up to where it is seen.
        elements.append(_delegate_button())
    return elements


def _filter(action_id: str, options: Sequence[Json], value: str) -> Json:
    return static_select(
        action_id,
        options,
        initial_option=selected_option(options, value),
        placeholder="Show",
    )


def _waiting(home: HomeView, permalink: Permalink) -> list[Json]:
    rows = case_rows("waiting", home.waiting, permalink)
    blocks = _section("Waiting on you", rows, home.waiting_more)
    if not home.waiting:
        blocks.append(context_block(f":white_check_mark: {_nothing_waits(home)}"))
    return blocks


def _nothing_waits(home: HomeView) -> str:
    if home.preferences.filter == HomeFilter():
        return "Nothing waits on you."
    return "Nothing of what is shown here waits on you."


def _own_cases(home: HomeView, permalink: Permalink) -> list[Json]:
    return _section("Yours", case_rows("mine", home.mine, permalink))


def _team_cases(home: HomeView, permalink: Permalink) -> list[Json]:
    if not home.team:
        return []
    return _section("Your team", case_rows("team", home.team, permalink), home.team_more)


def _handled_alone(home: HomeView, permalink: Permalink) -> list[Json]:
    """Build the cases that needed nobody, undoable ones with a button."""
    blocks: list[Json] = []
    for row in home.alone:
        blocks.append(plain_rows([row], permalink))
        buttons = _buttons_of_run(row, home)
        if buttons:
            blocks.append(actions_block(f"alone:{ids.token(row.case)}", buttons))
    return blocks


def _buttons_of_run(row: CaseRow, home: HomeView) -> list[Json]:
    """Build the answers of a review, and the undo."""
    token = ids.token(row.case)
    buttons = review_buttons(row.case, token) if row.is_decidable else []
    if _can_be_undone(row, home):
        buttons.append(button("Take back…", ids.UNDO, token))
    return buttons


def _can_be_undone(row: CaseRow, home: HomeView) -> bool:
    undo_until = row.case.execution.undo_until
    if undo_until is None or home.at is None or not row.is_decidable:
        return False
    return row.case.state is State.RESOLVED and home.at < undo_until


def _secondary_buttons(home: HomeView) -> list[Json]:
    """Build the buttons of rare use, below the queue."""
    buttons = []
    if home.rights.may_raise:
        buttons.append(button("Raise an exception…", ids.HOME_RAISE, NO_VALUE))
    if home.rights.may_delegate and not home.suggestion:
        buttons.append(_delegate_button())
    buttons.append(button("Show my digest", ids.HOME_DIGEST_NOW, NO_VALUE))
    buttons.append(_digest_button(home))
    if home.rights.may_pause:
        buttons.append(button("Pause…", ids.HOME_PAUSE, NO_VALUE))
    return buttons


def _delegate_button() -> Json:
    return button("Let somebody stand in…", ids.HOME_DELEGATE, NO_VALUE)


def _digest_button(home: HomeView) -> Json:
    if home.preferences.has_digest:
        return button("No morning digest", ids.HOME_DIGEST, "off")
    return button("A digest every morning", ids.HOME_DIGEST, "on")


def _section(title: str, blocks: Sequence[Json], more: int = 0) -> list[Json]:
    """Put a heading above the blocks, and a link below."""
    if not blocks:
        return []
    section: list[Json] = [{"type": "divider"}, heading(title), *blocks]
    if more:
        show_all = button(f"Show all, {more:,} more", ids.SHOW_ALL, VISIBLE)
        section.append(actions_block(f"all:{title}", [show_all]))
    return section


def pause_form(
    scopes: Sequence[tuple[str, str]], *, scope: str = EVERYTHING, reason: str = ""
) -> Json:
    """Build the form that pauses everything, or one kind.

    ``scopes`` are names and titles of kinds, and of what else may be paused. ``scope`` and
    ``reason`` were said already.
    """
    warning = (
        "No further step starts until a governance owner resumes it. Everybody sees who paused it,"
        " and why."
    )
    options = [option("Everything", EVERYTHING)]
    options += [option(title, name) for name, title in scopes]
    options = options[:MAX_OPTIONS]
    scope_select = static_select(
        ids.SCOPE,
        options,
        initial_option=selected_option(options, scope),
    )
    reason_input = text_input(
        ids.NOTE,
        max_length=MAX_REASON_LENGTH,
        multiline=True,
        initial_value=reason[:MAX_REASON_LENGTH] or None,
    )
    return form(
        ids.PAUSE_FORM,
        private_metadata="",
        title="Pause",
        submit="Pause",
        blocks=[
            rich_text(paragraph(text_run(warning))),
            input_block("scope", "What shall pause?", scope_select),
            input_block("note", "Why?", reason_input),
        ],
    )


def delegations_modal(delegations: Sequence[HomeDelegation]) -> Json:
    """Build the window that lists and ends a person's delegations."""
    blocks: list[Json] = []
    for number, delegation in enumerate(delegations[:MAX_DELEGATIONS]):
        blocks += delegation_blocks(delegation, number)
    if not delegations:
        blocks.append(context_block("Nobody stands in for you, and you stand in for nobody."))
    return modal(
        "Who stands in",
        blocks,
        close="Close",
    )
