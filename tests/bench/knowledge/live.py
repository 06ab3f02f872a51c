"""What answers of people do to a model that is not trained again: its confidence, its promises."""

import csv
import gzip
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from knowledge.learning.live_record import NO_RECORD, PERCENT, CardAnswer, live_record
from knowledge.learning.plan_training import train_plan_model
from knowledge.learning.training_set import MAX_PRECEDENTS_PER_KIND
from knowledge.memory.vectors import VECTOR_SIZE
from tests.bench.knowledge.complaints import CLOSED_AFTER, Complaints
from tests.bench.knowledge.figures import (
    DATA,
    ece,
    progress,
    report,
    report_promises_by_group,
    share_of,
    week_of,
)
from tests.bench.knowledge.tickets import ticket_facts, ticket_precedent

#: The share of the cases, in time order, that the model is trained on.
PAST_SHARE = 0.5


class LiveCase(NamedTuple):
    """A case, and when people's answer to it was there."""

    text: str
    facts: dict
    vector: np.ndarray
    right: str
    opened_at: datetime
    closed_at: datetime


class LiveDesk:
    """Cards of one model, and the answers to them as they come in."""

    def __init__(self, model):
        self._model = model
        self._open_answers, self._answers = [], []
        self._record, self._day = NO_RECORD, None
        self.days, self.is_right = [], []
        self.confidences, self.corrected, self.targets, self.live_targets = [], [], [], []

    def ask(self, case):
        """Give the case its card, by what was answered before its day."""
        self._take_in_answers(case.opened_at)
        estimate = self._model.estimate(case.text, case.facts, case.vector)
        if not estimate.confidences:
            return
        best = max(estimate.confidences, key=estimate.shares.__getitem__)
        confidence = estimate.confidence_of(best)
        guarantee = estimate.guarantee_of(best)
        target = guarantee.target if guarantee else 0.0
        percent = round(target * PERCENT) or None
        has_lapsed = percent is not None and self._record.lapse_of(percent) is not None
        self.days.append(case.opened_at)
        self.is_right.append(best == case.right)
        self.confidences.append(confidence)
        self.corrected.append(self._record.correction.correct(confidence))
        self.targets.append(target)
        self.live_targets.append(0.0 if has_lapsed else target)
        answer = CardAnswer(
            seq=len(self.days),
            confidence=confidence,
            was_right=self.is_right[-1],
            at=case.closed_at,
            promise=None if has_lapsed else percent,
        )
        self._open_answers.append(answer)

    def _take_in_answers(self, at):
        """Sum up the answers that were there before this day, once a day."""
        if at.date() == self._day:
            return
        self._day = at.date()
        closed = [answer for answer in self._open_answers if answer.at.date() < self._day]
        if closed:
            self._open_answers = [one for one in self._open_answers if one.at.date() >= self._day]
            closed.sort(key=attrgetter("at"))
            for answer in closed:
                self._answers.append(replace(answer, seq=len(self._answers)))
            self._record = live_record("k", self._answers)


def live(embedder):
    """Measure the correction of the confidence, and the lapse of promises, set by set."""
    complaints = Complaints(embedder)
    report_live("complaints", *complaint_cases(complaints), embedder.identity)
    with gzip.open(DATA / "servicenow_incidents/dev.csv.gz", "rt") as file:
        tickets = sorted(csv.DictReader(file), key=lambda ticket: ticket["opened_at"])
    for label, name in (("final_group", "tickets, group"), ("closed_code", "tickets, code")):
        report_live(name, *ticket_cases(tickets, label), "none")


def complaint_cases(complaints):
    """Return the past of the complaints, its vectors, and the cases after it."""
    cut = int(len(complaints.rows) * PAST_SHARE)
    last_closed = complaints.days[cut] - CLOSED_AFTER
    past = [row for row, day in enumerate(complaints.days[:cut]) if day <= last_closed]
    cases = []
    for row in range(cut, len(complaints.rows)):
        precedent, day = complaints.precedents[row], complaints.days[row]
        cases.append(
            LiveCase(
                text=precedent.signal_text,
                facts=precedent.facts,
                vector=complaints.vectors[row],
                right=precedent.decision.action,
                opened_at=day,
                closed_at=day + CLOSED_AFTER,
            )
        )
    return [complaints.precedents[row] for row in past], complaints.vectors[past], cases


def ticket_cases(tickets, label):
    """Return the past of the tickets, its vectors, and the cases after it."""
    cut = int(len(tickets) * PAST_SHARE)
    opened_at = tickets[cut]["opened_at"]
    closed = [ticket for ticket in tickets[:cut] if ticket["closed_at"] < opened_at]
    closed.sort(key=lambda ticket: ticket["closed_at"])
    past = [ticket_precedent(ticket, label) for ticket in closed]
    vectors = np.zeros((len(past), VECTOR_SIZE), np.float32)
    cases = [
        LiveCase(
            text="",
            facts=ticket_facts(ticket),
            vector=vectors[0],
            right=ticket[label],
            opened_at=datetime.fromisoformat(ticket["opened_at"]),
            closed_at=datetime.fromisoformat(ticket["closed_at"]),
        )
        for ticket in tickets[cut:]
    ]
    return past, vectors, cases


def report_live(name, past, vectors, cases, identity):
    """Report one set: the model as it was trained, and as answers correct it."""
    past, vectors = past[-MAX_PRECEDENTS_PER_KIND:], vectors[-MAX_PRECEDENTS_PER_KIND:]
    model = train_plan_model("k", past, vectors, embedder=identity)
    desk = LiveDesk(model)
    for case in progress_by_thousand(cases, f"live, {name}"):
        desk.ask(case)
    report(
        f"live, {name}",
        trained_on=len(past),
        top_1=share_of(desk.is_right),
        ece_as_trained=ece(desk.confidences, desk.is_right),
        ece_corrected=ece(desk.corrected, desk.is_right),
    )
    weeks = list(map(week_of, desk.days))
    for what, targets in (("as trained", desk.targets), ("with lapses", desk.live_targets)):
        report_promises_by_group(
            f"live, {name}, {what}", targets=targets, is_right=desk.is_right, groups=weeks
        )


def progress_by_thousand(cases, name):
    blocks = [cases[start : start + 1_000] for start in range(0, len(cases), 1_000)]
    for block in progress(blocks, name):
        yield from block
