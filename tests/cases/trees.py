"""The offer of a small tree: hold, then expect on the day that the carrier names, or claim."""

from bot.cases.plan import FactType
from bot.cases.playbook import ActionOffer, AnswerBounds

RETURNS = {"hold": {"answer": FactType.TEXT, "held_until": FactType.DATE}}


def step(action: str, **changes) -> ActionOffer:
    values = {"parameters": {}, "reason": "because", **changes}
    return ActionOffer(action=f"house.{action}", **values)


EXPECT = step(
    "expect",
    when="steps.hold.answer == 'held'",
    means="the carrier holds it",
    otherwise=(
        step(
            "tell",
            when="steps.hold.answer == 'returned' && signal.product_id == `1`",
            means="the carrier sends it back",
        ),
    ),
    parameters={"product_id": "signal.product_id", "day": "steps.hold.held_until"},
    answer_bounds={
        "day": AnswerBounds(
            type=FactType.DATE,
            minimum="'2026-11-21'",
            maximum="'2026-12-21'",
            words="on the day that the carrier names",
        )
    },
)
HOLD = step("hold", then=(EXPECT,), if_refused=(step("claim"),))
