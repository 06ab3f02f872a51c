"""The look-ups of a language model on behalf of a person."""

import json
from collections.abc import Iterable

from bot.cases.case import Case
from bot.cases.errors import NoSuchCase
from bot.cases.evidence import Evidence
from bot.cases.hours import Hours
from bot.desk.case_answers import CaseAnswers
from bot.ports.case_queries import Viewer
from bot.ports.language import QuestionParser
from bot.views.answers import EXAMPLES
from bot.views.questions import Intent

MAX_DECISIONS = 8


class RecordingTools:
    """Answer a model as a person would be answered.

    The cases that it was shown are recorded.
    """

    def __init__(
        self,
        answers: CaseAnswers,
        parser: QuestionParser,
        viewer: Viewer,
        hours: Hours,
    ) -> None:
        self._answers = answers
        self._parser = parser
        self._viewer = viewer
        self._hours = hours
        self.case_ids: list[str] = []

    def search(self, question: str) -> str:
        """Answer a question in plain words, as JSON."""
        parsed_question = self._parser.understand(question, self._answers.clock(), self._hours)
        if parsed_question is None or parsed_question.intent is Intent.HELP:
            return json.dumps({"not understood": question, "examples": EXAMPLES})
        answer = self._answers.answer(parsed_question, self._viewer)
        self._record(line.case_id for line in answer.lines)
        cases = [
            {"case": line.case_id, "title": line.title, "state": line.state, "detail": line.detail}
            for line in answer.lines
        ]
        return json.dumps(
            {
                "understood": answer.understood,
                "answer": answer.text,
                "cases": cases,
                "more": answer.more,
            }
        )

    def show(self, case_id: str) -> str:
        """Return all that is recorded of a case, as JSON."""
        try:
            case = self._answers.visibility.find_case(case_id.strip().upper(), self._viewer)
        except NoSuchCase as failure:
            return json.dumps({"error": str(failure)})
        self._record([case.id])
        return json.dumps(self._describe(case), default=str)

    def _describe(self, case: Case) -> dict[str, object]:
        plan = (
            [action.summary for action in case.proposal.plan.actions] if case.proposal.plan else []
        )
        return {
            "case": case.id,
            "title": case.signal.title,
            "state": case.state,
            "what": case.assessment.what,
            "why": case.assessment.why,
            "evidence": {
                fact.label: _value(fact) for fact in case.assessment.evidence if fact.label
            },
            "plan": plan,
            "owner": case.owner,
            "recorded": self._answers.decisions(case)[-MAX_DECISIONS:],
        }

    def _record(self, case_ids: Iterable[str]) -> None:
        for case_id in case_ids:
            if case_id not in self.case_ids:
                self.case_ids.append(case_id)


def _value(fact: Evidence) -> object:
    return fact.value if fact.failure is None else f"failed: {fact.failure}"
