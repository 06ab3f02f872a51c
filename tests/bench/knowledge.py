"""The quality and the cost of recognition and recommendation: ``make bench-knowledge``.

Beside them in the same run: a majority vote and a tf-idf model. Every number is measured on a part
that training, calibration and thresholds never saw. ``ARGS="clinc150 cost"`` runs some parts;
``ARGS="retail --precedents model"`` finds precedents by another embedder.
"""

import argparse
import contextlib
import csv
import gzip
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from bot.cases.evidence import Evidence
from bot.cases.plan import Action, Idempotency
from bot.cases.playbook import ActionOffer
from bot.cases.precedent import CaseOutcome, Precedent, PrecedentDecision
from bot.cases.signal import Signal
from bot.clock import utc_now
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.precedents import SqlPrecedentStore
from knowledge.learning.calibration import ScoredOutcome
from knowledge.learning.calibration_training import certify_precision
from knowledge.learning.linear_model import TrainingExample, score_margins
from knowledge.learning.linear_training import train_linear_model
from knowledge.learning.plan_training import choose_plan_model, train_plan_model
from knowledge.learning.recogniser import TrainedRecogniser, confidence_features
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.learning.recommender import PrecedentRecommender
from knowledge.memory.embedder import CachingEmbedder, Embedders, HashedWordsEmbedder
from knowledge.memory.keyword_index import KeywordEntry, KeywordIndex
from knowledge.memory.minilm import MiniLM
from knowledge.memory.null_memory import NullMemory
from knowledge.memory.precedent_index import MIN_MEANING_SIMILARITY
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.ranking import fuse_rankings
from knowledge.memory.token_table import TokenTable
from knowledge.memory.vector_index import VectorIndex
from knowledge.memory.vectors import VECTOR_SIZE
from tests.cases.making import opened
from tests.conftest import SHARED
from tests.world import playbook

DATA = SHARED / "data"
# As the index of precedents fetches, and how many a second look would compare again.
FETCHED = 50
LOOKED_AT_AGAIN = 30
CHANNEL = "C0STOCK"
EPOCH = datetime(2016, 1, 1, tzinfo=UTC)


def read_lines(path):
    with gzip.open(DATA / path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def report(what, **numbers):
    row = {"what": what}
    for name, value in numbers.items():
        row[name] = round(value, 4) if isinstance(value, float) else value
    print(json.dumps(row), flush=True)


def auroc(confidences, others):
    """Compare the confidences of known kinds with those of others."""
    from sklearn.metrics import roc_auc_score

    labels = np.r_[np.ones(len(confidences)), np.zeros(len(others))]
    return float(roc_auc_score(labels, np.r_[confidences, others]))


def coverage(confidences, is_right, precision):
    """Return the largest share that can be answered at this precision."""
    order = np.argsort(-confidences)
    precisions = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precisions >= precision)
    return float((good.max() + 1) / len(order)) if len(good) else 0.0


def coverage_with_others(confidences, others, is_right, precision):
    """Return the coverage when texts of unknown kinds are among the questions."""
    all_right = np.r_[is_right, np.zeros(len(others), bool)]
    return coverage(np.r_[confidences, others], all_right, precision)


# --- recognition ---------------------------------------------------------------------------------


def clinc150(minilm):
    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        data = json.load(file)
    part = "test" if "test" in data else "val"
    measure_recognition(
        name="CLINC150",
        minilm=minilm,
        training=data["train"],
        novel=[text for text, _ in data["oos_train"]],
        questions=data[part],
        other_texts={"oos": [text for text, _ in data[f"oos_{part}"]]},
    )


def banking77(minilm):
    splits = {}
    for row in read_lines("banking77/dev.jsonl.gz"):
        splits.setdefault(row["split"], []).append((row["text"], row["label"]))
    part = "test" if "test" in splits else "valid"
    other_texts = {}
    for name in ("id", "ood"):
        if f"{name}-oos-{part}" in splits:
            other_texts[name] = [text for text, _ in splits[f"{name}-oos-{part}"]]
    measure_recognition(
        name="BANKING77",
        minilm=minilm,
        training=splits["train"],
        novel=[],
        questions=splits[part],
        other_texts=other_texts,
    )


def measure_recognition(*, name, minilm, training, novel, questions, other_texts):
    """Measure the product's recogniser and two others on one split."""
    labels = np.array([label for _, label in questions])
    majority = Counter(label for _, label in training).most_common(1)[0][0]
    report(f"{name} majority", in_scope=float((labels == majority).mean()))
    measure_tfidf_recognition(name, training, questions, other_texts=other_texts)
    start = time.monotonic()
    examples = [TrainingExample(text, label, {}) for text, label in training]
    model = train_recogniser(examples, novel, embedder=minilm, version="bench")
    seconds = time.monotonic() - start
    titles = {label: label for label in model.linear_model.labels}
    recogniser = TrainedRecogniser(lambda: model, minilm, titles)
    texts = [text for text, _ in questions]
    answers = [recogniser.recognise(text) for text in texts]
    is_best = np.array([answer.guesses[0].kind for answer in answers]) == labels
    is_recognised = np.array([answer.kind for answer in answers]) == labels
    confidences = measure_confidences(model, minilm, texts)
    for sort, sort_texts in other_texts.items():
        others = measure_confidences(model, minilm, sort_texts)
        abstains = [recogniser.recognise(text).abstains for text in sort_texts]
        report(
            f"{name} Countersign, {sort}",
            in_scope=float(is_recognised.mean()),
            oos_recall=float(np.mean(abstains)),
            best_guess=float(is_best.mean()),
            auroc=auroc(confidences, others),
            coverage_at_95=coverage_with_others(
                confidences, others, is_right=is_best, precision=0.95
            ),
            trained_in_s=round(seconds),
        )


def measure_tfidf_recognition(name, training, questions, other_texts):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    regression = LogisticRegression(C=10, max_iter=200, tol=1e-3)
    regression.fit(
        tfidf.fit_transform([text for text, _ in training]), [label for _, label in training]
    )
    probabilities = regression.predict_proba(tfidf.transform([text for text, _ in questions]))
    labels = np.array([label for _, label in questions])
    is_right = regression.classes_[probabilities.argmax(1)] == labels
    confidences = probabilities.max(1)
    for sort, texts in other_texts.items():
        others = regression.predict_proba(tfidf.transform(texts)).max(1)
        report(
            f"{name} tf-idf + logistic regression, {sort}",
            in_scope=float(is_right.mean()),
            auroc=auroc(confidences, others),
            coverage_at_95=coverage_with_others(
                confidences, others, is_right=is_right, precision=0.95
            ),
        )


def measure_confidences(model, minilm, texts):
    confidences = []
    for text, vector in zip(texts, minilm.embed(texts), strict=True):
        scores = model.linear_model.score(text, {}, vector)
        similarities = model.example_vectors @ vector
        features = confidence_features(model.linear_model.labels, scores, similarities)
        confidences.append(model.confidence(features))
    return np.array(confidences)


# --- recommendation ------------------------------------------------------------------------------

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
    "zip_code",
)
CLOSED_AFTER = timedelta(days=3)
DAYS_AT_ONCE = 3


def make_precedent(name, text, facts, action, at):
    return Precedent(
        id=str(name),
        kind="k",
        signal_text=text,
        summary="",
        facts=facts,
        decision=PrecedentDecision(action=action, people=("people",)),
        outcome=CaseOutcome.WORKED,
        reason="",
        ended_at=at,
        channel="C0",
    )


class Complaints:
    """The complaints in time order, as precedents with vectors."""

    def __init__(self, embedder):
        self.rows = sorted(
            read_lines("cfpb_complaints/dev.jsonl.gz"),
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
    indexes, actions, floor_actions, margins, is_guaranteed = [], [], [], [], []
    for closed_rows, block in complaints.blocks():
        past = [complaints.precedents[index] for index in closed_rows]
        model = train_plan_model(
            "k",
            past,
            complaints.vectors[closed_rows],
            embedder=embedder.identity,
            target=0.90,
        )
        for index in block:
            precedent = complaints.precedents[index]
            label_margins = model.margins(
                precedent.signal_text, precedent.facts, complaints.vectors[index]
            )
            best = max(label_margins, key=label_margins.__getitem__)
            indexes.append(index)
            actions.append(best)
            margins.append(label_margins[best])
            is_guaranteed.append(reaches(model.guarantee, label_margins[best]))
        floor_actions += list(fit_cfpb_floor(complaints, closed_rows)(block))
    indexes = np.array(indexes)
    report_cfpb_floors(complaints, indexes, np.array(floor_actions))
    is_right = np.array(actions) == complaints.labels[indexes]
    report_cfpb(
        complaints,
        indexes,
        is_right=is_right,
        margins=np.array(margins),
        is_guaranteed=np.array(is_guaranteed),
    )


def reaches(guarantee, margin):
    return guarantee is not None and margin >= guarantee.threshold


def report_cfpb_floors(complaints, indexes, floor_actions):
    labels = complaints.labels
    majority = Counter(labels[: indexes[0]]).most_common(1)[0][0]
    report("CFPB majority", top_1=float((labels[indexes] == majority).mean()))
    is_right = floor_actions == labels[indexes]
    report(
        "CFPB facts and tf-idf + logistic regression",
        top_1=float(is_right.mean()),
        with_narrative=float(is_right[complaints.has_text[indexes]].mean()),
    )


def report_cfpb(complaints, indexes, is_right, margins, is_guaranteed):
    weeks = np.array([complaints.days[index].isocalendar().week for index in indexes])
    precision_by_week = {}
    for week in sorted(set(weeks)):
        is_chosen = (weeks == week) & is_guaranteed
        if is_chosen.any():
            precision_by_week[int(week)] = round(float(is_right[is_chosen].mean()), 3)
    precision = float(is_right[is_guaranteed].mean()) if is_guaranteed.any() else None
    report(
        "CFPB Countersign",
        top_1=float(is_right.mean()),
        with_narrative=float(is_right[complaints.has_text[indexes]].mean()),
        coverage_at_90=coverage(margins, is_right, 0.90),
        promised=float(is_guaranteed.mean()),
        precision_where_promised=precision,
        by_week=json.dumps(precision_by_week),
        asked=len(indexes),
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
    """Measure tickets in time order, the last fifth of them."""
    with gzip.open(DATA / "servicenow_incidents/dev.csv.gz", "rt") as file:
        tickets = sorted(csv.DictReader(file), key=lambda ticket: ticket["opened_at"])
    measure_groups(tickets)
    measure_closing_codes(tickets)


def ticket_examples(tickets, label):
    return [
        TrainingExample("", ticket[label], {name: ticket[name] for name in TICKET_FACTS})
        for ticket in tickets
    ]


def measure_groups(tickets):
    """Measure the group, trained every 500 tickets on those closed."""
    cut = int(len(tickets) * 0.8)
    examples = ticket_examples(tickets, "final_group")
    hits, floor_hits = [], []
    for start in range(cut, len(tickets), TICKETS_AT_ONCE):
        opened_at = tickets[start]["opened_at"]
        past = [examples[i] for i in range(start) if tickets[i]["closed_at"] < opened_at]
        block = examples[start : start + TICKETS_AT_ONCE]
        vectors = np.zeros((len(past), VECTOR_SIZE), np.float32)
        model = train_linear_model(past, vectors, penalty=0.3)
        for example in block:
            scores = model.score("", example.facts, vectors[0])
            groups = [model.labels[position] for position in np.argsort(-scores)[:3]]
            hits.append((groups[0] == example.label, example.label in groups))
        floor_hits += group_floor_hits(past, block)
    stays = [ticket["first_group"] == ticket["final_group"] for ticket in tickets[cut:]]
    report("ServiceNow group, first group stays", top_1=float(np.mean(stays)))
    for name, results in (("logistic regression", floor_hits), ("Countersign", hits)):
        top_1, top_3 = np.mean(results, axis=0)
        report(f"ServiceNow group, {name}", top_1=float(top_1), top_3=float(top_3))


def group_floor_hits(past, block):
    """Predict by a logistic regression over the facts.

    Returns for each example whether the first guess is right, and whether one of three is.
    """
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    one_hot = DictVectorizer()
    regression = LogisticRegression(C=1, max_iter=40, tol=1e-2)
    regression.fit(
        one_hot.fit_transform([example.facts for example in past]),
        [example.label for example in past],
    )
    probabilities = regression.predict_proba(
        one_hot.transform([example.facts for example in block])
    )
    hits = []
    for example, row in zip(block, probabilities, strict=True):
        groups = regression.classes_[np.argsort(-row)[:3]]
        hits.append((groups[0] == example.label, example.label in groups))
    return hits


def measure_closing_codes(tickets):
    """Measure that what cannot be learned is not guessed."""
    cut = int(len(tickets) * 0.8)
    middle = cut // 2
    examples = ticket_examples(tickets, "closed_code")
    vectors = np.zeros((middle, VECTOR_SIZE), np.float32)
    model = train_linear_model(examples[:middle], vectors, penalty=0.3)
    outcomes = []
    for example in examples[middle:cut]:
        margins = score_margins(model.labels, model.score("", example.facts, vectors[0]))
        best = max(margins, key=margins.__getitem__)
        outcomes.append(ScoredOutcome(margins[best], best == example.label))
    guarantee = certify_precision(outcomes, 0.90)
    description = "nothing: abstains"
    if guarantee:
        threshold = f"from {guarantee.threshold:.2f} on"
        description = f"{threshold}, {guarantee.total} of {len(outcomes)}"
    majority = Counter(example.label for example in examples[:cut]).most_common(1)[0][0]
    report(
        "ServiceNow closing code",
        majority=float(np.mean([example.label == majority for example in examples[cut:]])),
        best_guess=float(np.mean([outcome.was_right for outcome in outcomes])),
        promised_at_90=description,
    )


WRITES = {
    "cancel_pending_order": "order.status == 'pending'",
    "modify_pending_order_items": "order.status == 'pending'",
    "modify_pending_order_address": "order.status == 'pending'",
    "modify_pending_order_payment": "order.status == 'pending'",
    "modify_user_address": "",
    "return_delivered_order_items": "order.status == 'delivered'",
    "exchange_delivered_order_items": "order.status == 'delivered'",
}


def retail(embedder):
    """Measure the product's recommender: the order's state narrows, the past ranks."""
    orders, training, test = read_retail_tasks()
    past = [
        make_precedent(
            name=task["idx"],
            text=task["instruction"],
            facts={"status": order_status(task, orders)},
            action=action,
            at=EPOCH,
        )
        for task, action in training
    ]
    minilm = MiniLM()
    model = choose_plan_model("k", past, Embedders(precedents=embedder, recognition=minilm))
    recommender = make_recommender(NullMemory(), model, embedder, model_embedder=minilm)
    actions = np.array([action for _, action in test])
    majority = Counter(precedent.decision.action for precedent in past).most_common(1)[0][0]
    report(
        "retail first action, majority",
        top_1=float(np.mean(actions == majority)),
        asked=len(test),
    )
    by_floor = predict_by_tfidf(past, [task["instruction"] for task, _ in test])
    report(
        "retail first action, tf-idf + logistic regression",
        top_1=float(np.mean(by_floor == actions)),
    )
    by_recommender = [recommend_action(recommender, task, orders) for task, _ in test]
    report(
        f"retail first action, Countersign, vectors of {model.embedder.partition('/')[0]}",
        top_1=float(np.mean(np.array(by_recommender) == actions)),
    )


def make_recommender(memory, model, embedder, model_embedder=None):
    return PrecedentRecommender(
        memory=memory,
        plan_model_of=lambda kind: model,
        embedder=embedder,
        clock=utc_now,
        model_embedder=model_embedder,
    )


def read_retail_tasks():
    """Return the orders, and the tasks with their first action.

    The tasks are in two parts, for training and for the test.
    """
    with gzip.open(DATA / "retail_actions/orders.json.gz", "rt") as file:
        orders = json.load(file)
    training, test = [], []
    for task in read_lines("retail_actions/tasks.jsonl.gz"):
        writes = [action["name"] for action in task["actions"] if action["write"]]
        if writes:
            part = training if task["split"] == "train" else test
            part.append((task, writes[0]))
    return orders, training, test


def predict_by_tfidf(past, texts):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    regression = LogisticRegression(C=10, max_iter=300)
    regression.fit(
        tfidf.fit_transform([precedent.signal_text for precedent in past]),
        [precedent.decision.action for precedent in past],
    )
    return regression.predict(tfidf.transform(texts))


def order_status(task, orders):
    """Return the state of the order that a task is about.

    It is the order of a number in the text, or one with an article of the text; else that of the
    customer's only kind of order.
    """
    text = task["instruction"].lower()
    own = [order for order in orders.values() if order["user_id"] == task["user_id"]]
    by_number = sorted(
        (text.find(number.lower()), order["status"])
        for number, order in orders.items()
        if number.lower() in text
    )
    by_article = sorted(
        (text.find(item["name"].lower()), order["status"])
        for order in own
        for item in order["items"]
        if item["name"].lower() in text
    )
    statuses = [status for _, status in by_number or by_article]
    if not statuses:
        statuses = [order["status"] for order in own if order["status"] in OPEN_STATUSES]
    first_words = [status.split(" ")[0] for status in statuses]
    return next((word for word in first_words if word in OPEN_STATUSES), "")


OPEN_STATUSES = {"pending", "delivered"}


def recommend_action(recommender, task, orders):
    status = order_status(task, orders)
    # Without a known order nothing is known of its state, and no condition may exclude anything.
    offers = tuple(make_offer(name, when if status else "") for name, when in WRITES.items())
    case = make_case("k", task["instruction"])
    evidence = []
    if status:
        fact = Evidence(
            name="order.status", label="status", value=status, source="records", read_at=EPOCH
        )
        evidence.append(fact)
    book = playbook(kind="k", offers=offers)
    recommendation, _ = recommender.recommend(case, book, evidence, prepare=prepare_action)
    return recommendation.action


def make_case(kind, title):
    signal = Signal(
        source="bench",
        key="k",
        kind=kind,
        subject="s",
        title=title,
        occurred_at=None,
        facts={},
    )
    return replace(opened(), kind=kind, signal=signal)


def make_offer(action, when=""):
    return ActionOffer(action=action, when=when, parameters={}, reason="because")


def prepare_action(name, parameters):
    return Action(
        name=name,
        version=1,
        system="s",
        connector="fake",
        target="t",
        parameters={},
        summary=name,
        preview="",
        reversible=True,
        idempotency=Idempotency.MARKER,
        precondition={},
    )


# --- retrieval -----------------------------------------------------------------------------------

QUESTIONS = {
    "a pod keeps restarting again and again": {"KubePodCrashLooping"},
    "the disk of a node will be full in a few hours": {
        "NodeFilesystemSpaceFillingUp",
        "NodeFilesystemAlmostOutOfSpace",
    },
    "no more inodes on the filesystem": {
        "NodeFilesystemAlmostOutOfFiles",
        "NodeFilesystemFilesFillingUp",
    },
    "a server's clock is wrong": {"NodeClockSkewDetected", "NodeClockNotSynchronising"},
    "certificate of the kubelet is about to expire": {
        "KubeletClientCertificateExpiration",
        "KubeletServerCertificateExpiration",
        "KubeClientCertificateExpiration",
    },
    "etcd has lost its leader": {"etcdNoLeader"},
    "etcd database is running out of quota": {"etcdBackendQuotaLowSpace"},
    "slow disk sync in etcd": {"etcdHighFsyncDurations"},
    "a disk in the RAID array failed": {"NodeRAIDDiskFailure", "NodeRAIDDegraded"},
    "prometheus cannot reach any alertmanager": {
        "PrometheusNotConnectedToAlertmanagers",
        "PrometheusErrorSendingAlertsToAnyAlertmanager",
    },
    "prometheus configuration could not be reloaded": {"PrometheusBadConfig"},
    "persistent volume is filling up": {"KubePersistentVolumeFillingUp"},
    "a job in the cluster failed": {"KubeJobFailed", "KubeJobCompletion"},
    "the api server is not reachable": {"KubeAPIDown"},
    "autoscaler is at its maximum number of replicas": {"KubeHpaMaxedOut"},
    "network interface goes up and down": {"NodeNetworkInterfaceFlapping"},
    "too many pods on one node": {"KubeletTooManyPods"},
    "the scheduler has disappeared from target discovery": {"KubeSchedulerDown"},
    "remote write is lagging behind": {
        "PrometheusRemoteWriteBehind",
        "PrometheusRemoteWriteDesiredShards",
    },
    "node is not ready": {"KubeNodeNotReady"},
    "processes are being throttled on CPU": {"CPUThrottlingHigh"},
    "rules are failing to evaluate": {"PrometheusRuleFailures", "PrometheusMissingRuleEvaluations"},
    "scraping a target fails": {"TargetDown", "PrometheusTargetSyncFailure"},
    "connection tracking table is nearly full": {"NodeHighNumberConntrackEntriesUsed"},
}
NOWHERE = (
    "the invoice names no order",
    "a guest complained about cold soup",
    "merlot is running low before the weekend",
    "who won the match yesterday",
    "the contract with the florist renews itself",
    "please book a table for two",
    "my password does not work on the web shop",
    "the parrot escaped",
)


def runbooks(embedder):
    """Measure questions of our own over runbooks without their titles.

    One of them answers the first questions, none the others.
    """
    documents = read_lines("runbooks/corpus.jsonl.gz")
    names = [document["id"] for document in documents]
    vectors = embedder.embed([document["text_stripped"] for document in documents])
    with keyword_search([document["text_stripped"] for document in documents]) as search:
        places_by_words = {question: search(question, 50) for question in QUESTIONS}
    hits = {"words": [], "meaning": [], "both": []}
    for question, answers in QUESTIONS.items():
        similarities = vectors @ embedder.embed([question])[0]
        by_meaning = [names[position] for position in np.argsort(-similarities)[:50]]
        by_words = [names[position] for position in places_by_words[question]]
        both = [name for name, _ in fuse_rankings([by_meaning, by_words])]
        for way, ranking in (("words", by_words), ("meaning", by_meaning), ("both", both)):
            is_first = bool(answers & set(ranking[:1]))
            hits[way].append((is_first, bool(answers & set(ranking[:3]))))
    for way, results in hits.items():
        first, in_three = np.mean(results, axis=0)
        report(f"runbooks by {way}", first=float(first), in_three=float(in_three))
    nowhere = best_similarities(embedder, vectors, NOWHERE)
    somewhere = best_similarities(embedder, vectors, QUESTIONS)
    report(
        "runbooks, nothing fits",
        abstained=float(np.mean(nowhere < MIN_MEANING_SIMILARITY)),
        answered_where_one_does=float(np.mean(somewhere >= MIN_MEANING_SIMILARITY)),
    )


@contextlib.contextmanager
def keyword_search(texts):
    """Index texts by their positions. Return the search for the best positions."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        keywords = KeywordIndex(Path(folder) / "keywords")
        keywords.open()
        entries = [KeywordEntry(number, "", CHANNEL, text) for number, text in enumerate(texts)]
        keywords.update(entries, removed_keys=(), position=len(texts))
        yield partial(keywords.search, kind="", channels=[CHANNEL])


def best_similarities(embedder, vectors, questions):
    return np.array(
        [float((vectors @ embedder.embed([question])[0]).max()) for question in questions]
    )


def neighbours(embedder):
    """Measure how often the precedents found are of the right intent.

    Beside the embedder: the model, hashed words, and the model's second look at what was found.
    """
    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        data = json.load(file)
    measure_neighbours("CLINC150", data["train"], data["val"], embedder)
    rows = read_lines("banking77/dev.jsonl.gz")
    training = [(row["text"], row["label"]) for row in rows if row["split"] == "train"]
    questions = [(row["text"], row["label"]) for row in rows if row["split"] == "valid"]
    measure_neighbours("BANKING77", training, questions, embedder)


def measure_neighbours(name, training, questions, embedder):
    texts = [text for text, _ in training]
    labels = np.array([label for _, label in training])
    question_texts = [text for text, _ in questions]
    with keyword_search(texts) as search:
        by_words = [search(text, FETCHED) for text in question_texts]
    model_similarities = question_similarities(MiniLM(), texts, question_texts)
    similarities = question_similarities(embedder, texts, question_texts)
    by_embedder = np.argsort(-similarities, axis=1)[:, :FETCHED]
    seen_again = np.take_along_axis(model_similarities, by_embedder[:, :LOOKED_AT_AGAIN], axis=1)
    second_look = np.take_along_axis(by_embedder, np.argsort(-seen_again, axis=1), axis=1)
    hashed_words = question_similarities(HashedWordsEmbedder(), texts, question_texts)
    ways = {
        "model": np.argsort(-model_similarities, axis=1)[:, :FETCHED],
        embedder.identity.partition("/")[0]: by_embedder,
        "second look by the model": second_look,
        "hashed words": np.argsort(-hashed_words, axis=1)[:, :FETCHED],
    }
    for way, rankings in ways.items():
        measure_rankings(f"{name} neighbours, {way}", rankings, by_words, labels, questions)


def question_similarities(embedder, texts, questions):
    return embedder.embed(questions) @ embedder.embed(texts).T


def measure_rankings(what, rankings, by_words, labels, questions):
    """Compare the labels of what was found, by meaning alone and with keywords."""
    first, in_five, in_ten_with_words = [], [], []
    for ranking, word_ranking, (_, label) in zip(rankings, by_words, questions, strict=True):
        first.append(labels[ranking[0]] == label)
        in_five.append((labels[ranking[:5]] == label).mean())
        both = [number for number, _ in fuse_rankings([ranking.tolist(), word_ranking])]
        in_ten_with_words.append((labels[both[:10]] == label).mean())
    report(
        what,
        first=float(np.mean(first)),
        in_five=float(np.mean(in_five)),
        in_ten_with_keywords=float(np.mean(in_ten_with_words)),
    )


# --- cost ----------------------------------------------------------------------------------------

KINDS = [f"kind_{number}" for number in range(20)]
WARM_UP_CASES = 20
CASES = 200


def cost(embedder, sizes=(1_000, 10_000, 100_000)):
    """Measure one case at a time, in milliseconds of the processor.

    A case is recalled and recommended for; one whose source names no kind is recognised first.
    Beside it: how many of the true ten nearest the index finds.
    """
    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        titles = [text for text, _ in json.load(file)["train"][:3000]]
    embedder = CachingEmbedder(embedder)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/x.db")
            migrate(database)
            shelf = SqlPrecedentStore(database)
            fill_shelf(shelf, titles, size)
            start = time.monotonic()
            vectors = VectorIndex(Path(folder) / "memory", "", embedder.identity)
            memory = PrecedentMemory(shelf, embedder, vectors, answer_timeout=30)
            memory.open()
            fill_seconds = time.monotonic() - start
            durations = time_cases(memory, embedder, titles=titles, size=size)
            report(
                f"cost at {size:,} precedents",
                p50_cpu_ms=statistics.median(durations),
                p99_cpu_ms=durations[int(len(durations) * 0.99)],
                recall_at_10=recall_at_10(memory, embedder, titles),
                rss_mb=round(psutil.Process().memory_info().rss / 2**20),
                filled_in_s=round(fill_seconds, 1),
            )
            memory.close()
            database.close()
    recognition_cost(MiniLM(), titles)


def recognition_cost(minilm, titles):
    """Measure what one case more costs that must be recognised."""
    examples = [TrainingExample(text, KINDS[number % 20], {}) for number, text in enumerate(titles)]
    model = train_recogniser(examples, (), minilm, "bench", folds=2)
    recogniser = TrainedRecogniser(lambda: model, minilm, dict.fromkeys(KINDS, "x"))
    durations = []
    for number in range(WARM_UP_CASES + CASES):
        start = time.process_time()
        recogniser.recognise(f"{titles[(number * 7) % 3000]} case {number}")
        durations.append(1000 * (time.process_time() - start))
    report("cost of recognition", p50_cpu_ms=statistics.median(durations[WARM_UP_CASES:]))


def fill_shelf(shelf, titles, size):
    precedents = (
        Precedent(
            id=f"EX-{number}.1",
            kind=KINDS[number % 20],
            signal_text=f"{titles[number % 3000]} {number}",
            summary="",
            facts={},
            decision=PrecedentDecision(action="house.a", people=("Ana",)),
            outcome=CaseOutcome.WORKED,
            reason="",
            ended_at=EPOCH,
            channel=CHANNEL,
        )
        for number in range(size)
    )
    while page := list(itertools.islice(precedents, 2000)):
        shelf.save(page)


def time_cases(memory, embedder, titles, size):
    """Return the milliseconds of each case in ascending order.

    The first cases are left out.
    """
    recommender = make_recommender(memory, None, embedder)
    book = playbook(kind="kind_3", offers=(make_offer("house.a"), make_offer("house.b")))
    durations = []
    for number in range(WARM_UP_CASES + CASES):
        case = make_case("kind_3", f"{titles[(number * 7) % 3000]} case {number} of {size}")
        start = time.process_time()
        recommender.recommend(case, book, (), prepare=prepare_action)
        durations.append(1000 * (time.process_time() - start))
    return sorted(durations[WARM_UP_CASES:])


def recall_at_10(memory, embedder, titles):
    """Compare with an exact search over the vectors of the index."""
    rows = memory.index.vectors._collection.get(include=["embeddings"])
    ids = np.array(rows["ids"])
    vectors = np.asarray(rows["embeddings"], np.float32)
    recalls = []
    for text in titles[:50]:
        vector = embedder.embed([text])[0]
        exact = set(ids[np.argpartition(-(vectors @ vector), 10)[:10]])
        nearest = {name for name, _ in memory.index.vectors.find_nearest(vector, 50)[:10]}
        recalls.append(len(exact & nearest) / 10)
    return float(np.mean(recalls))


RECOGNITION_PARTS = {part.__name__: part for part in (clinc150, banking77)}
PRECEDENT_PARTS = {
    part.__name__: part for part in (neighbours, cfpb, servicenow, retail, runbooks, cost)
}
PARTS = (*RECOGNITION_PARTS, *PRECEDENT_PARTS)
PRECEDENT_EMBEDDERS = {"table": TokenTable, "model": MiniLM, "words": HashedWordsEmbedder}


def main(arguments):
    if not DATA.exists():
        print("the shared data is not here: nothing to measure")
        return
    parser = argparse.ArgumentParser(prog="make bench-knowledge", description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join((*PARTS, "quick")))
    parser.add_argument("--precedents", choices=PRECEDENT_EMBEDDERS, default="table")
    options = parser.parse_args(arguments)
    embedder = PRECEDENT_EMBEDDERS[options.precedents]()
    for name in options.parts or PARTS:
        start = time.monotonic()
        if name == "quick":
            runbooks(embedder)
            cost(embedder, sizes=(1_000,))
        elif name in RECOGNITION_PARTS:
            RECOGNITION_PARTS[name](MiniLM())
        else:
            PRECEDENT_PARTS[name](embedder)
        print(f"# {name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
