"""The first action of retail tasks, through the recommender itself."""

import gzip
import json
from collections import Counter

import numpy as np

from bot.cases.evidence import Evidence
from knowledge.learning.plan_training import choose_plan_model
from knowledge.memory.embedder import Embedders
from knowledge.memory.minilm import MiniLM
from knowledge.memory.null_memory import NullMemory
from tests.bench.knowledge.figures import DATA, EPOCH, read_lines, report, share_of
from tests.bench.knowledge.making import (
    make_case,
    make_offer,
    make_precedent,
    make_recommender,
    prepare_action,
)
from tests.world import playbook

WRITES = {
    "cancel_pending_order": "order.status == 'pending'",
    "modify_pending_order_items": "order.status == 'pending'",
    "modify_pending_order_address": "order.status == 'pending'",
    "modify_pending_order_payment": "order.status == 'pending'",
    "modify_user_address": "",
    "return_delivered_order_items": "order.status == 'delivered'",
    "exchange_delivered_order_items": "order.status == 'delivered'",
}

OPEN_STATUSES = {"pending", "delivered"}


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
        top_1=share_of(actions == majority),
    )
    by_floor = predict_by_tfidf(past, [task["instruction"] for task, _ in test])
    report(
        "retail first action, tf-idf + logistic regression",
        top_1=share_of(by_floor == actions),
    )
    recommendations = [recommend(recommender, task, orders) for task, _ in test]
    vectors = model.embedder.partition("/")[0]
    report_retail(
        f"retail first action, Countersign, vectors of {vectors}", recommendations, actions
    )


def report_retail(what, recommendations, actions):
    is_right = np.array([one.action for one in recommendations]) == actions
    is_unlike = np.array([one.is_unlike_past for one in recommendations])
    promised = [one.promised_percent for one in recommendations]
    is_promised = np.array([percent is not None for percent in promised])
    report(
        what,
        top_1=share_of(is_right),
        unlike_past=share_of(is_unlike),
        right_when_unlike=share_of(is_right[is_unlike]),
        promised=share_of(is_promised),
        right_when_promised=share_of(is_right[is_promised]),
        promises=", ".join(f"{percent} %" for percent in sorted(filter(None, promised))),
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


def recommend(recommender, task, orders):
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
    return recommendation
