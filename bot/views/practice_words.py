"""The words for practice: one sentence, wherever it is read."""

from bot.cases.entries import PracticeObserved


def practice_words(body: PracticeObserved, at: str = "") -> str:
    """Say who saw what was done by hand, without a full stop.

    ``at`` is a time in words; empty where the time stands beside the sentence.
    """
    witness = f"{body.by_name} said" if body.by_name else "The system of record showed"
    moment = f" on {at}" if at else ""
    return f"{witness}{moment} that {_comparison(body)}"


def _comparison(body: PracticeObserved) -> str:
    if not body.action_agrees:
        return "something else was done by hand than was recommended"
    if not body.parameters_agree:
        return "what was recommended was done by hand, with other details"
    return "what was recommended was done by hand"
