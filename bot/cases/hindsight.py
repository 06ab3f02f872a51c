"""Hindsight: work by hand, and reviews of runs alone."""

from dataclasses import replace
from typing import assert_never

from bot.cases.case import Case, Practice
from bot.cases.commands import (
    ConfirmPractice,
    CorrectPractice,
    HindsightCommand,
    ReviewRight,
    ReviewWrong,
)
from bot.cases.entries import (
    CaseBody,
    Entry,
    HindsightBody,
    PracticeObserved,
    Resolution,
    Resolved,
    ReviewGiven,
)
from bot.cases.errors import BadRequest, MoveNotAllowed, TooLate
from bot.cases.lifecycle import State
from bot.cases.practice import PracticeSource
from bot.cases.review import ReviewVerdict
from bot.cases.votes import shorten_note

AS_RECOMMENDED = "done by hand as recommended"
#: States of a case in shadow that ended, or may end, by people's own doing.
HANDLED_BY_HAND = frozenset({State.REFERRED, State.CLEARED, State.RESOLVED})

# --- decide -----------------------------------------------------------------------------------


def decide(case: Case, command: HindsightCommand) -> tuple[CaseBody, ...]:
    """Find the entries of a person's hindsight.

    Raises:
        Refusal: the question is not asked, or has been answered.
    """
    name = command.by.person.name
    match command:
        case ConfirmPractice():
            return _say_practice(case, _agreement(name), AS_RECOMMENDED)
        case CorrectPractice():
            practice = _correction(command, name)
            return _say_practice(case, practice, practice.detail)
        case ReviewRight():
            _must_be_asked(case)
            return (ReviewGiven(verdict=ReviewVerdict.RIGHT, by_name=name),)
        case ReviewWrong():
            _must_be_asked(case)
            return (_wrong(command, name),)
        case _:
            assert_never(command)


def awaits_practice(case: Case) -> bool:
    """Tell whether somebody is asked what was done by hand."""
    is_open = case.is_in_shadow and case.activity.practice is None
    return is_open and case.state in HANDLED_BY_HAND


def _agreement(name: str) -> PracticeObserved:
    return PracticeObserved(
        action_agrees=True,
        parameters_agree=True,
        source=PracticeSource.PERSON,
        by_name=name,
    )


def _correction(command: CorrectPractice, name: str) -> PracticeObserved:
    if not command.note.strip():
        raise BadRequest("say what was done", field="note")
    return PracticeObserved(
        action_agrees=command.is_same_action,
        parameters_agree=False,
        source=PracticeSource.PERSON,
        detail=shorten_note(command.note),
        by_name=name,
    )


def _say_practice(case: Case, practice: PracticeObserved, note: str) -> tuple[CaseBody, ...]:
    """Record practice, and resolve a case that still waits."""
    if not case.is_in_shadow:
        raise MoveNotAllowed(f"{case.id} has no plan that was only recommended")
    if case.activity.practice is not None:
        raise TooLate(f"what was done about {case.id} is recorded already")
    if case.state is not State.REFERRED:
        return (practice,)
    end = Resolved(resolution=Resolution.BY_HAND, note=note, by_name=practice.by_name)
    return (practice, end)


def _must_be_asked(case: Case) -> None:
    review = case.activity.review
    if review is not None and review.verdict is not None:
        raise TooLate(f"{review.by_name} has answered already: it was {review.verdict}")
    if not case.is_review_due:
        raise MoveNotAllowed(f"nobody is asked whether {case.id} was right")


def _wrong(command: ReviewWrong, name: str) -> ReviewGiven:
    if not command.note.strip():
        raise BadRequest("say what was wrong", field="note")
    return ReviewGiven(
        verdict=ReviewVerdict.WRONG,
        note=shorten_note(command.note),
        by_name=name,
    )


# --- apply ------------------------------------------------------------------------------------


def apply(case: Case, body: HindsightBody, entry: Entry) -> Case:
    """Return the case after an entry of hindsight."""
    match body:
        case PracticeObserved():
            practice = Practice(
                revision=case.proposal.revision,
                action_agrees=body.action_agrees,
                parameters_agree=body.parameters_agree,
                source=body.source,
                detail=body.detail,
                by_name=body.by_name,
                at=entry.at,
            )
            return replace(case, activity=replace(case.activity, practice=practice))
        case ReviewGiven():
            return _apply_review(case, body, entry)
        case _:
            assert_never(body)


def _apply_review(case: Case, body: ReviewGiven, entry: Entry) -> Case:
    if case.activity.review is None:
        return case
    review = replace(
        case.activity.review,
        verdict=body.verdict,
        note=body.note,
        by_name=body.by_name,
        at=entry.at,
    )
    return replace(case, activity=replace(case.activity, review=review))
