"""App Home: a person's queue, and the cases around it."""

from collections.abc import Sequence

from bot.cases.lifecycle import State
from bot.views.app_home import HomeFilter, HomePeriod, HomeView
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.blocks import (
    MAX_OPTIONS,
    actions_block,
    button,
    context_block,
    header_block,
    heading,
    option,
    selected_option,
    static_select,
)
from handlers.cards.charts import charts
from handlers.cards.rows import Permalink, case_rows, plain_rows
from handlers.cards.text import Json, clean, plain_text

EVERY_KIND = "every"
WHEN_LABELS = {
    HomePeriod.ALWAYS: "All that is open",
    HomePeriod.LATE: "Late",
    HomePeriod.TODAY: "New today",
}
# Buttons of the home act for the person; there is no case to name.
NO_VALUE = "-"


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
        *charts(home.days),
        actions_block("home:more", _secondary_buttons(home)),
    ]
    return {"type": "home", "blocks": blocks}


def _headline(home: HomeView) -> str:
    count = len(home.waiting) + home.waiting_more
    if home.filter == HomeFilter():
        return f"{count:,} waiting on you" if count else "All clear"
    return f"{count:,} of these waiting on you" if count else "None of these waits on you"


def _notices(home: HomeView) -> list[Json]:
    """Build the lines about pauses, delegations and the person's status."""
    lines = [plain_text(f"⏸ Paused: {line}", 320) for line in home.pauses]
    lines += [plain_text(f"🤝 {line}", 200) for line in home.standing_in]
    if home.suggestion:
        status = clean(home.suggestion, 80)
        lines.append(plain_text(f"🌴 Your status says “{status}”. Shall somebody stand in?", 150))
    return [context_block(line) for line in lines]


def _filters(home: HomeView) -> list[Json]:
    """Build the menus that narrow the queue below them."""
    kinds = [option("Every kind", EVERY_KIND)]
    kinds += [option(title, kind) for kind, title in home.kinds]
    times = [option(label, when) for when, label in WHEN_LABELS.items()]
    elements = [
        _filter(ids.HOME_KIND, kinds[:MAX_OPTIONS], home.filter.kind),
        _filter(ids.HOME_WHEN, times, home.filter.when),
    ]
    if home.suggestion:
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
    if home.filter == HomeFilter():
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
        if _can_be_undone(row, home):
            token = ids.token(row.case)
            undo = button("Take back…", ids.UNDO, token)
            blocks.append(actions_block(f"alone:{token}", [undo]))
    return blocks


def _can_be_undone(row: CaseRow, home: HomeView) -> bool:
    undo_until = row.case.execution.undo_until
    if undo_until is None or home.at is None:
        return False
    return row.case.state is State.RESOLVED and home.at < undo_until


def _secondary_buttons(home: HomeView) -> list[Json]:
    """Build the buttons of rare use, below the queue."""
    buttons = [button("Raise an exception…", ids.HOME_RAISE, NO_VALUE)]
    if not home.suggestion:
        buttons.append(_delegate_button())
    buttons.append(_digest_button(home))
    return buttons


def _delegate_button() -> Json:
    return button("Let somebody stand in…", ids.HOME_DELEGATE, NO_VALUE)


def _digest_button(home: HomeView) -> Json:
    if home.has_digest:
        return button("No morning digest", ids.HOME_DIGEST, "off")
    return button("A digest every morning", ids.HOME_DIGEST, "on")


def _section(title: str, blocks: Sequence[Json], more: int = 0) -> list[Json]:
    """Put a heading above the blocks, and the number of others below."""
    if not blocks:
        return []
    section: list[Json] = [{"type": "divider"}, heading(title), *blocks]
    if more:
        section.append(context_block(f"and {more:,} more"))
    return section
