"""Read, decide and write again when somebody else wrote first, but not forever."""

import pytest

from bot.cases.errors import Conflict, TooLate
from bot.desk.retry import MAX_ATTEMPTS, retry_on_conflict


class Attempts:
    """Meets so many conflicts before it succeeds."""

    def __init__(self, conflicts: int) -> None:
        self.conflicts = conflicts
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.conflicts:
            raise Conflict("somebody else wrote first")
        return "written"


@pytest.mark.parametrize("conflicts", [0, 1, MAX_ATTEMPTS - 1])
def test_an_attempt_is_repeated_until_nobody_else_has_written(conflicts):
    attempt = Attempts(conflicts)
    assert retry_on_conflict(attempt) == "written"
    assert attempt.calls == conflicts + 1


def test_a_case_that_never_stands_still_is_given_up():
    attempt = Attempts(MAX_ATTEMPTS)
    with pytest.raises(Conflict, match="keeps changing; try again"):
        retry_on_conflict(attempt)
    assert attempt.calls == MAX_ATTEMPTS


def test_a_refusal_is_not_repeated():
    calls = []

    def refuse():
        calls.append(1)
        raise TooLate("it was decided")

    with pytest.raises(TooLate):
        retry_on_conflict(refuse)
    assert calls == [1]
