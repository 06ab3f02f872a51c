"""A person's App Home: their queue first, then what is theirs, their team's, and what was handled without anybody."""

from bot.cases.lifecycle import State
from bot.views.app_home import HomeFilter, HomePeriod, HomeView
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.charts import charts
from handlers.cards.rows import Link, listed, pressable
from handlers.cards.text import Json, clean, context, paragraph, plain, rich, say

EVERY_KIND = "every"
WHEN = {
    HomePeriod.ALWAYS: "All that is open",
    HomePeriod.LATE: "Late",
    HomePeriod.TODAY: "New today",
}


def home_view(home: HomeView, to: Link) -> Json:
    """The view for views.publish."""
    blocks: list[Json] = [{"type": "header", "text": plain(_headline(home), 150)}]
    blocks += [context(plain(f"⏸ Paused: {line}", 320)) for line in home.paused]
    blocks += [context(plain(f"🤝 {line}", 200)) for line in home.standing_in]
    if home.suggestion:
        blocks.append(
            context(
                plain(
                    f"🌴 Your status says “{clean(home.suggestion, 80)}”. Shall somebody stand in?",
                    150,
                )
            )
        )
    blocks.append({"type": "actions", "block_id": "home", "elements": _filters(home)})
    blocks += _section("Waiting on you", pressable("waiting", home.waiting, to), home.waiting_more)
    if not home.waiting:
        narrowed = " of what is shown here" if home.chosen != HomeFilter() else ""
        blocks.append(context(f":white_check_mark: Nothing{narrowed} waits on you."))
    blocks += _section("Yours", pressable("mine", home.mine, to) if home.mine else [], 0)
    blocks += _section("Your team", [listed(home.team, to)] if home.team else [], home.team_more)
    blocks += _section("Handled without you", _alone(home, to), 0)
    more: Json = {"type": "actions", "block_id": "home:more", "elements": _rarer(home)}
    return {"type": "home", "blocks": [*blocks, *charts(home.days), more]}


def _headline(home: HomeView) -> str:
    many = len(home.waiting) + home.waiting_more
    if home.chosen != HomeFilter():
        return f"{many:,} of these waiting on you" if many else "None of these waits on you"
    return f"{many:,} waiting on you" if many else "All clear"


def _filters(home: HomeView) -> list[Json]:
    """What narrows the queue below; and the way to a stand-in, when their status has just suggested one."""
    kinds = [
        _option("Every kind", EVERY_KIND),
        *(_option(title, kind) for kind, title in home.kinds),
    ][:100]
    times = [_option(words, when) for when, words in WHEN.items()]
    pickers = [
        _picker(ids.HOME_KIND, kinds, home.chosen.kind),
        _picker(ids.HOME_WHEN, times, home.chosen.when),
    ]
    return [*pickers, _stand_in()] if home.suggestion else pickers


def _rarer(home: HomeView) -> list[Json]:
    """What one does now and then: below the queue, which is what one comes for."""
    digest = _button(
        "No morning digest" if home.has_digest else "A digest every morning", ids.HOME_DIGEST
    )
    digest["value"] = "off" if home.has_digest else "on"
    raise_it = _button("Raise an exception…", ids.HOME_RAISE)
    return [raise_it, digest] if home.suggestion else [raise_it, _stand_in(), digest]


def _stand_in() -> Json:
    return _button("Let somebody stand in…", ids.HOME_DELEGATE)


def _picker(action_id: str, options: list[Json], chosen: str) -> Json:
    """A filter, which shows what is chosen."""
    first = next((option for option in options if option["value"] == chosen), options[0])
    words = plain("Show")
    return {
        "type": "static_select",
        "action_id": action_id,
        "options": options,
        "initial_option": first,
        "placeholder": words,
    }


def _alone(home: HomeView, to: Link) -> list[Json]:
    """What policy let run, or what went away; with a way back while there is one."""
    blocks: list[Json] = []
    for row in home.alone:
        blocks.append(listed([row], to))
        if _can_be_taken_back(row, home):
            token = ids.token(row.case)
            button = {
                "type": "button",
                "action_id": ids.UNDO,
                "text": plain("Take back…"),
                "value": token,
            }
            blocks.append({"type": "actions", "block_id": f"alone:{token}", "elements": [button]})
    return blocks


def _can_be_taken_back(row: CaseRow, home: HomeView) -> bool:
    until = row.case.undo_until
    return (
        row.case.state is State.RESOLVED
        and until is not None
        and home.at is not None
        and home.at < until
    )


def _section(title: str, blocks: list[Json], more: int) -> list[Json]:
    if not blocks:
        return []
    tail = [context(f"and {more:,} more")] if more else []
    return [{"type": "divider"}, rich(paragraph(say(title, bold=True))), *blocks, *tail]


def _option(title: str, value: str) -> Json:
    return {"text": plain(title), "value": value}


def _button(label: str, action_id: str) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(label), "value": "-"}
