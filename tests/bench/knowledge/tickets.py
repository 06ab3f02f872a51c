"""Groups and closing codes of service tickets, in time order."""

import csv
import gzip
from collections import Counter
from datetime import datetime

import numpy as np

from knowledge.learning.plan_training import train_plan_model
from knowledge.learning.training_set import MAX_PRECEDENTS_PER_KIND
from knowledge.memory.vectors import VECTOR_SIZE
from tests.bench.knowledge.answers import Answers
from tests.bench.knowledge.figures import DATA, progress, report, share_of, week_of
from tests.bench.knowledge.making import make_precedent

TICKET_FACTS = (
    "contact_type",
    "location",
    "category",
    "subcategory",
    "u_symptom",
    "cmdb_ci",
    "impact",
    "urgency",
    "priority",
    "caller_id",
    "opened_by",
    "first_group",
)

TICKETS_AT_ONCE = 500


def servicenow(embedder):
    """Measure tickets in time order, the last fifth of them, through the product's plan model."""
    with gzip.open(DATA / "servicenow_incidents/dev.csv.gz", "rt") as file:
        tickets = sorted(csv.DictReader(file), key=lambda ticket: ticket["opened_at"])
    cut = int(len(tickets) * 0.8)
    measure_group_floors(tickets, cut)
    for label, name in (("final_group", "group"), ("closed_code", "closing code")):
        answers, hits = answer_tickets(tickets, label, cut)
        majority = Counter(ticket[label] for ticket in tickets[:cut]).most_common(1)[0][0]
        report(
            f"ServiceNow {name}, Countersign",
            majority=share_of([ticket[label] == majority for ticket in tickets[cut:]]),
            top_3=share_of(hits),
            **answers.figures(),
        )
        answers.report_promises(f"ServiceNow {name}")


def answer_tickets(tickets, label, cut):
    """Answer the tickets after the cut, trained every 500 on those closed.

    Returns the answers, and whether one of the three best is right.
    """
    answers, hits = Answers(), []
    blocks = range(cut, len(tickets), TICKETS_AT_ONCE)
    for start in progress(blocks, f"servicenow {label}"):
        opened_at = tickets[start]["opened_at"]
        closed = [ticket for ticket in tickets[:start] if ticket["closed_at"] < opened_at]
        closed.sort(key=lambda ticket: ticket["closed_at"])
        past = [ticket_precedent(ticket, label) for ticket in closed[-MAX_PRECEDENTS_PER_KIND:]]
        vectors = np.zeros((len(past), VECTOR_SIZE), np.float32)
        model = train_plan_model("k", past, vectors, embedder="none")
        for ticket in tickets[start : start + TICKETS_AT_ONCE]:
            estimate = model.estimate("", ticket_facts(ticket), vectors[0])
            week = week_of(datetime.fromisoformat(ticket["opened_at"]))
            answers.add(estimate, ticket[label], group=week)
            best = sorted(estimate.shares, key=estimate.shares.__getitem__)[-3:]
            hits.append(ticket[label] in best)
    return answers, hits


def ticket_facts(ticket):
    return {name: ticket[name] for name in TICKET_FACTS}


def ticket_precedent(ticket, label):
    return make_precedent(
        name=ticket.get("number", ""),
        text="",
        facts=ticket_facts(ticket),
        action=ticket[label],
        at=datetime.fromisoformat(ticket["closed_at"]),
    )


def measure_group_floors(tickets, cut):
    """Measure what the first group says, and a logistic regression."""
    hits = []
    for start in range(cut, len(tickets), TICKETS_AT_ONCE):
        opened_at = tickets[start]["opened_at"]
        past = [ticket for ticket in tickets[:start] if ticket["closed_at"] < opened_at]
        hits += group_floor_hits(past, tickets[start : start + TICKETS_AT_ONCE])
    stays = [ticket["first_group"] == ticket["final_group"] for ticket in tickets[cut:]]
    report("ServiceNow group, first group stays", top_1=share_of(stays))
    top_1, top_3 = map(share_of, zip(*hits, strict=True))
    report("ServiceNow group, logistic regression", top_1=top_1, top_3=top_3)


def group_floor_hits(past, block):
    """Predict by a logistic regression over the facts.

    Returns for each example whether the first guess is right, and whether one of three is.
    """
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    one_hot = DictVectorizer()
    regression = LogisticRegression(C=1, max_iter=40, tol=1e-2)
    regression.fit(
        one_hot.fit_transform(list(map(ticket_facts, past))),
        [ticket["final_group"] for ticket in past],
    )
    probabilities = regression.predict_proba(one_hot.transform(list(map(ticket_facts, block))))
    hits = []
    for ticket, row in zip(block, probabilities, strict=True):
        groups = regression.classes_[np.argsort(-row)[:3]]
        hits.append((groups[0] == ticket["final_group"], ticket["final_group"] in groups))
    return hits
