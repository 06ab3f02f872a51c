"""The grade of one answer, by the expectation of its question alone."""

from tests.bench.questions import texts
from tests.bench.questions.asked import Asked
from tests.bench.questions.forbidden import FINDERS
from tests.bench.questions.grades import ALWAYS_FALSE, Grade, decide_outcome
from tests.bench.questions.required import CHECKS, shown_cases


def grade(asked: Asked) -> Grade:
    """Check all that must and must not hold, and weigh it."""
    expectation = asked.row["answer"]
    missing = {}
    for name in expectation["must"]:
        complaint = CHECKS[name](asked)
        if complaint:
            missing[name] = complaint
    broken = {}
    for name in dict.fromkeys([*expectation["must_not"], *sorted(ALWAYS_FALSE)]):
        complaint = FINDERS[name](asked)
        if complaint:
            broken[name] = complaint
    return decide_outcome(
        missing,
        broken,
        must_count=len(expectation["must"]),
        is_admitted=_is_admitted(asked),
        has_overlap=bool(set(shown_cases(asked)) & set(asked.selection.ids)),
    )


def _is_admitted(asked: Asked) -> bool:
    """Tell whether the answer says that it did not understand all."""
    shown = asked.shown
    is_said = texts.NOT_UNDERSTOOD.search(shown.text) is not None
    return bool(shown.left_aside) or is_said or shown.has_choices
