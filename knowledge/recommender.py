"""Which plan to recommend: the playbook's own, the first action whose conditions hold and which can be prepared."""

from collections.abc import Sequence

from bot.cases.case import Case
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import filled, holds, look_up
from bot.cases.plan import Action
from bot.cases.playbook import Offer, Playbook
from bot.cases.recommendation import Alternative, Recommendation
from bot.ports import Prepare


class PlaybookRecommender:
    """Knows no precedents: its confidence is the playbook's word, and it says so."""

    def recommend(
        self, case: Case, playbook: Playbook, evidence: Sequence[Evidence], prepare: Prepare
    ) -> tuple[Recommendation, tuple[Action, ...]]:
        known = facts_of(case.signal, evidence)
        passed_over: list[Alternative] = []
        chosen: tuple[Offer, tuple[Action, ...]] | None = None
        for offer in playbook.offers:
            if chosen:
                passed_over.append(Alternative(offer.action, "the playbook prefers the one above"))
            elif not holds(offer.when, known):
                passed_over.append(Alternative(offer.action, f"needs {offer.when}"))
            else:
                try:
                    chosen = offer, _prepared(offer, known, prepare)
                except ConnectorFailed as failure:
                    passed_over.append(Alternative(offer.action, f"cannot be prepared: {failure}"))
        if chosen is None:
            blocked = (
                "; ".join(f"{item.action} {item.why_not}" for item in passed_over)
                or "the playbook has no action for this"
            )
            return Recommendation("", "", "", tuple(passed_over), f"No plan fits: {blocked}"), ()
        offer, actions = chosen
        basis = f"rule {playbook.offers.index(offer) + 1} of the playbook “{playbook.title}”; no precedents yet"
        return Recommendation(
            offer.action, filled(offer.reason, known), basis, tuple(passed_over), "", offer.edit
        ), actions


def _prepared(offer: Offer, known: dict[str, object], prepare: Prepare) -> tuple[Action, ...]:
    parameters = {name: look_up(expression, known) for name, expression in offer.parameters.items()}
    return (
        prepare(offer.action, parameters),
        *(action for later in offer.then for action in _prepared(later, known, prepare)),
    )
