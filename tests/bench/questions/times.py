"""The moments that questions ask for, as they are recorded."""

from datetime import datetime

from tests.bench.questions.asked import Asked
from tests.bench.questions.oracle import Oracle
from tests.bench.questions.records import Record, moment


def wanted_moments(asked: Asked, *, about: str = "") -> list[datetime]:
    """List the moments of which one must be given; none where there is none."""
    about = about or asked.about
    if about == "pause":
        return [at for pause in asked.oracle.data.pauses if (at := moment(pause["at"]))]
    if about == "stand_in":
        return _stand_in_ends(asked)
    subjects = asked.subjects
    moments = []
    for record in subjects[:10]:
        # "Who approved it and when did it run" asks for the time of the run.
        wants_run = about == "decision" and asked.ask == "who"
        moments += record_moments(asked.oracle, record, "execution" if wants_run else about)
    return moments


def _stand_in_ends(asked: Asked) -> list[datetime]:
    giver = asked.oracle.account(str(asked.meaning.get("of", "")), asked.asker)
    ends = [moment(one["ends_at"]) for one in asked.oracle.stand_ins(giver)]
    begins = [moment(one["begins_at"]) for one in asked.oracle.stand_ins(giver)]
    return [at for at in [*ends, *begins] if at]


def record_moments(oracle: Oracle, record: Record, about: str) -> list[datetime]:
    """List the recorded moments of one part of a case."""
    proposal = record.body["proposal"]
    execution = record.body["execution"]
    moments: list[datetime | None]
    match about:
        case "expiry":
            moments = [moment(proposal["expires_at"])] if record.state == "proposed" else []
        case "due":
            moments = [record.decide_by]
        case "undo":
            moments = [moment(execution["undo_until"])]
        case "snooze":
            moments = [record.snoozed_until if record.state == "snoozed" else None]
        case "ending" | "outcome":
            moments = [record.ended]
        case "execution":
            moments = [moment(step["at"]) for step in execution["steps"]] or [record.ended]
        case "decision":
            decision = record.final or record.last
            moments = [decision.at if decision else None]
        case "escalation":
            moments = _entry_times(record, "case.escalated")
        case "drift":
            moments = _entry_times(record, "plan.drifted")
        case "changes":
            moments = _entry_times(record, "plan.edited")
        case _:
            moments = [record.opened]
    return [at for at in moments if at]


def _entry_times(record: Record, name: str) -> list[datetime | None]:
    return [moment(entry["at"]) for entry in record.entries if entry["type"] == name]


def other_clocks(record: Record, about: str) -> list[datetime]:
    """List the moments that are taken for this one by mistake."""
    proposal = record.body["proposal"]
    others = {
        "expiry": [record.decide_by],
        "due": [moment(proposal["expires_at"])],
    }
    return [at for at in others.get(about, []) if at]
