"""The slash command: `/exceptions list|mine|show|raise|report|pause|…`. Answers are for the one who asks alone."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from slack_bolt import Ack, App

from bot.cases.digest import agreements
from bot.cases.errors import BadRequest, ChatFailed, Refusal
from bot.cases.question import EXAMPLES, Answer, Intent, Question, StatusFilter
from bot.cases.seen import Seen
from bot.desk.controls import Controls
from bot.desk.decisions import Decisions
from bot.desk.questions import Questions, spoken
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.clock import Clock
from bot.ports.library import Library
from handlers.cards import forms
from handlers.cards.answer_blocks import answer_blocks, answer_text
from handlers.slack.answers import reference, slack_said
from handlers.slack.asking import plain_words
from handlers.slack.chat import SlackChat

log = logging.getLogger(__name__)
COMMAND = "/exceptions"
CASE_ID = re.compile(r"EX-\d{1,9}", re.IGNORECASE)
REPORT_FOR = timedelta(days=30)
USAGE = (
    "list: what is open",
    "mine: what waits on you",
    "show EX-12: one case",
    "raise: raise an exception",
    "report: the last thirty days in numbers",
    "pause [kind] because …: stop everything, or one kind, now",
    "resume [kind]: let it go on",
    "stand-in: let somebody decide for you",
    "emergency EX-12 because …: let a plan through alone, to be looked at afterwards",
    "reviewed EX-12 …: you have looked at an emergency",
)


def register(app: App, commands: "Commands") -> None:
    """Listen for the command."""
    app.command(COMMAND)(commands.heard)


@dataclass(frozen=True)
class Commands:
    questions: Questions
    switchboard: Controls
    decisions: Decisions
    queries: CaseQueries
    library: Library
    chat: SlackChat
    clock: Clock

    def heard(self, body: dict[str, Any], ack: Ack) -> None:
        """Do it, then answer: what could not be done is said in words, never as a code."""
        person, text = (
            f"{body['team_id']}/{body['user_id']}",
            plain_words(str(body.get("text", ""))),
        )
        word, _, rest = text.partition(" ")
        known: dict[str, Callable[[str, str, dict[str, Any]], Answer | None]] = {
            "list": self._list,
            "mine": self._mine,
            "show": self._show,
            "raise": self._raise,
            "report": self._report,
            "pause": self._pause,
            "resume": self._resume,
            "stand-in": self._stand_in,
            "emergency": self._emergency,
            "reviewed": self._reviewed,
            "help": self._help,
            "": self._help,
        }
        try:
            found = known.get(word.casefold())
            answer = (
                found(rest.strip(), person, body) if found else self._question(text, person, body)
            )
        except Refusal as refusal:
            answer = Answer("", f"Not done: {refusal}.")
        except ChatFailed as failure:
            answer = Answer("", slack_said(failure))
        except Exception:
            answer = Answer("", reference("command"))
        if answer is not None:
            answer = self._while_behind(answer)
        if answer is None:
            ack()
        else:
            ack(
                text=answer_text(answer),
                blocks=answer_blocks(answer, self.chat.link),
                response_type="ephemeral",
            )

    def _while_behind(self, answer: Answer) -> Answer:
        """Whatever is asked after a backup was restored, that comes first."""
        standing = self.switchboard.desk_controls.load()
        return (
            replace(answer, text=f"{standing.holds[0].said}. {answer.text}")
            if standing.is_behind
            else answer
        )

    def _list(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        if rest:
            return self._question(f"open {rest}", person, body)
        return self.questions.asked(Question(Intent.LIST), by=person)

    def _mine(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        return self.questions.asked(Question(Intent.MINE), by=person)

    def _show(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        return self.questions.asked(
            Question(Intent.SHOW, StatusFilter.ANY, case_id=_case_id(rest)), by=person
        )

    def _question(self, text: str, person: str, body: dict[str, Any]) -> Answer:
        return self.questions.answer(text, by=person, channel=str(body.get("channel_id", "")))

    def _raise(self, rest: str, person: str, body: dict[str, Any]) -> None:
        self.chat.open_form(
            str(body["trigger_id"]),
            forms.raise_form(self.library.titles(), "not_sure", (), "", rest),
        )

    def _stand_in(self, rest: str, person: str, body: dict[str, Any]) -> None:
        self.chat.open_form(str(body["trigger_id"]), forms.delegate_form(self.library.titles()))

    def _pause(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        what, _, why = _because(rest)
        scope = self.switchboard.scope_of(what)
        self.switchboard.pause(scope, by=person, reason=why)
        return Answer(
            "",
            f"Paused: {what or 'everything'}. Nothing of it is begun until a governance owner resumes it.",
        )

    def _resume(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        self.switchboard.resume(self.switchboard.scope_of(rest), by=person)
        return Answer("", f"Resumed: {rest or 'everything'}. What waited goes on now.")

    def _emergency(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        what, _, why = _because(rest)
        case = self.questions.visible(_case_id(what), self.questions.sight(person))
        self.decisions.break_glass(case.id, by=person, seen=Seen.of(case), reason=why)
        return Answer(
            "",
            f"{case.id} is let through. Another governance owner must look at it: {COMMAND} reviewed {case.id} …",
        )

    def _reviewed(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        case_id, _, note = rest.partition(" ")
        self.switchboard.review(_case_id(case_id), by=person, note=note)
        return Answer("", f"Noted: {_case_id(case_id)} was looked at.")

    def _report(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        """The last thirty days, of what this person may see."""
        now, sight = self.clock(), self.questions.sight(person)
        span = (now - REPORT_FOR, now)
        opened = self.queries.count(CaseFilter(viewer=sight, opened_between=span, is_any=True))
        took = self.queries.durations(CaseFilter(viewer=sight, ended_between=span, is_over=True))
        ended = self.queries.find(CaseFilter(viewer=sight, ended_between=span, is_over=True), 2_000)
        agreed = agreements(ended, dict(self.library.titles()))
        yes = sum(one.as_recommended for one in agreed)
        total = sum(one.as_recommended + one.edited + one.otherwise for one in agreed)
        parts = [f"{opened:,} opened and {took.cases:,} ended in thirty days."]
        if took.decided is not None:
            parts.append(f"Half were decided within {spoken(took.decided)}.")
        if took.ended is not None:
            parts.append(f"Half had ended within {spoken(took.ended)}.")
        if total:
            parts.append(f"{yes} of {total} recommendations were taken as they stood.")
        reopened = sum(bool(case.reopened) for case in ended)
        parts.append(f"{reopened} had been opened again.")
        return Answer("the report of the last thirty days, over what you may see", " ".join(parts))

    def _help(self, rest: str, person: str, body: dict[str, Any]) -> Answer:
        return Answer(
            "", f"After {COMMAND}, one of these, or a question:", examples=(*USAGE, *EXAMPLES)
        )


def _because(text: str) -> tuple[str, str, str]:
    """What, and why: "low stock because the supplier is closed"."""
    what, word, why = re.sub(r"\s+", " ", text).partition("because ")
    return what.strip(), word, why.strip()


def _case_id(text: str) -> str:
    found = CASE_ID.search(text)
    if found is None:
        raise BadRequest("name the case, like EX-12")
    return found[0].upper()
