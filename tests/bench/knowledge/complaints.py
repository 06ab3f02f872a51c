"""Outcomes of complaints, in time order."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np

from knowledge.learning.plan_training import train_plan_model
from knowledge.learning.training_set import MAX_PRECEDENTS_PER_KIND
from tests.bench.knowledge.answers import Answers
from tests.bench.knowledge.figures import progress, read_lines, report, share_of, week_of
from tests.bench.knowledge.making import make_precedent

COMPLAINT_FACTS = (
    "company",
    "issue",
    "product",
    "sub_issue",
    "sub_product",
    "state",
    "submitted_via",
    "tags",
    "consumer_consent_provided",
)

# It says that a complaint has not ended.
NO_OUTCOME = "In progress"

CLOSED_AFTER = timedelta(days=3)

DAYS_AT_ONCE = 3


class Complaints:
    """The complaints that were closed, in time order, as precedents with vectors."""

    def __init__(self, embedder):
        rows = read_lines("cfpb_complaints/dev.jsonl.gz")
        self.rows = sorted(
            (row for row in rows if row["company_response"] != NO_OUTCOME),
            key=lambda row: (row["date_received"], row["complaint_id"]),
        )
        self.days = [datetime.fromisoformat(row["date_received"]) for row in self.rows]
        self.texts = [(row["complaint_what_happened"] or "")[:2000] for row in self.rows]
        self.has_text = np.array([bool(text) for text in self.texts])
        self.vectors = embedder.embed(self.texts) * self.has_text[:, None]
        self.precedents = [
            make_precedent(
                name=row["complaint_id"],
                text=text,
                facts={name: row[name] for name in COMPLAINT_FACTS},
                action=row["company_response"],
                at=day,
            )
            for row, text, day in zip(self.rows, self.texts, self.days, strict=True)
        ]
        self.labels = np.array([precedent.decision.action for precedent in self.precedents])

    def blocks(self):
        """Walk through the days after the first week.

        Yields the complaints that were closed by then, and those that came. When a complaint was
        closed is not in the data: its outcome is shown three days after it was received.
        """
        later = sorted(set(self.days))[7:]
        for first in range(0, len(later), DAYS_AT_ONCE):
            last_closed = later[first] - CLOSED_AFTER
            block = set(later[first : first + DAYS_AT_ONCE])
            closed_rows = [index for index, day in enumerate(self.days) if day <= last_closed]
            yield closed_rows, [index for index, day in enumerate(self.days) if day in block]


def cfpb(embedder):
    """Measure complaints, trained every three days on those closed."""
    complaints = Complaints(embedder)
    answers, floor_actions = Answers(), []
    for closed_rows, block in progress(complaints.blocks(), "cfpb"):
        known_rows = closed_rows[-MAX_PRECEDENTS_PER_KIND:]
        model = train_plan_model(
            "k",
            [complaints.precedents[index] for index in known_rows],
            complaints.vectors[known_rows],
            embedder=embedder.identity,
        )
        for index in block:
            precedent = complaints.precedents[index]
            estimate = model.estimate(
                precedent.signal_text, precedent.facts, complaints.vectors[index]
            )
            week = week_of(complaints.days[index])
            answers.add(estimate, precedent.decision.action, group=week, row=index)
        floor_actions += list(fit_cfpb_floor(complaints, closed_rows)(block))
    rows = np.array(answers.rows)
    report_cfpb_floors(complaints, rows, np.array(floor_actions))
    is_right = answers.is_right
    with_narrative = is_right[complaints.has_text[rows]]
    report(
        "CFPB Countersign",
        with_narrative=share_of(with_narrative),
        **answers.figures(),
    )
    answers.report_promises("CFPB")


def report_cfpb_floors(complaints, indexes, floor_actions):
    labels = complaints.labels
    majority = Counter(labels[: indexes[0]]).most_common(1)[0][0]
    report("CFPB majority", top_1=share_of(labels[indexes] == majority))
    is_right = floor_actions == labels[indexes]
    report(
        "CFPB facts and tf-idf + logistic regression",
        top_1=share_of(is_right),
        with_narrative=share_of(is_right[complaints.has_text[indexes]]),
    )


def fit_cfpb_floor(complaints, indexes):
    """Fit a logistic regression over facts and tf-idf.

    Returns its predictor by index.
    """
    from scipy import sparse
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    facts = [{name: str(row[name]) for name in COMPLAINT_FACTS} for row in complaints.rows]
    texts = complaints.texts
    one_hot = DictVectorizer().fit([facts[index] for index in indexes])
    tfidf = TfidfVectorizer(min_df=3, max_features=30_000)
    tfidf.fit([texts[index] for index in indexes])

    def features(rows):
        facts_part = one_hot.transform([facts[index] for index in rows])
        text_part = tfidf.transform([texts[index] for index in rows])
        return sparse.hstack([facts_part, text_part]).tocsr()

    regression = LogisticRegression(C=1, max_iter=200, tol=1e-2)
    regression.fit(features(indexes), complaints.labels[indexes])

    def predict(rows):
        return regression.predict(features(rows))

    return predict
