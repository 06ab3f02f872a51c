"""The part of the desk that looks at new cases."""

from bot.advisors import Advisors
from bot.desk.proposal import Proposals
from bot.desk.triage import Triage
from bot.ports.clock import Clock
from bot.ports.outbox import Outbox


def build_triage(
    proposals: Proposals, outbox: Outbox, *, advisors: Advisors, clock: Clock
) -> Triage:
    """Build the part of the desk that looks at new cases."""
    return Triage(
        cases=proposals.cases,
        outbox=outbox,
        library=proposals.library,
        systems=proposals.systems,
        recommender=advisors.recommender,
        recogniser=advisors.recogniser,
        proposals=proposals,
        clock=clock,
        has_narrator=advisors.narrator is not None,
        planner=advisors.planner,
    )
