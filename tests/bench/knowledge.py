"""``make bench-knowledge``: how good recognition and recommendation are, beside a majority and a tf-idf floor in the same run; and what they cost.

Every number is measured on a part that training, calibration and thresholds never saw. ``ARGS="clinc150 cost"`` runs some parts.
"""

import csv
import gzip
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil

from bot.cases.evidence import Evidence
from bot.cases.plan import Action, Idempotency
from bot.cases.playbook import Offer
from bot.cases.precedent import CaseOutcome, Precedent
from bot.cases.signal import Signal
from bot.clock import utc_now
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.precedents import SqlPrecedentStore
from bot.store.store import Store
from knowledge.confidence import Judged, certify
from knowledge.embedder import Cached, MiniLM, unit
from knowledge.learner import Example, train
from knowledge.plan_model import margins_of, train_plan
from knowledge.precedents import ALIKE, Precedents, Recollection
from knowledge.recogniser import TrainedRecogniser, signs_of, train_recogniser
from knowledge.recommender import RememberingRecommender
from knowledge.vector_index import VectorIndex
from knowledge.word_index import WordIndex
from tests.conftest import SHARED

DATA = SHARED / "data"
SEED = 0
EPOCH = datetime(2016, 1, 1, tzinfo=UTC)


def lines(path):
    with gzip.open(DATA / path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def row(what, **numbers):
    told = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in numbers.items()
    }
    print(json.dumps({"what": what, **told}), flush=True)


def auroc(known, strange):
    from sklearn.metrics import roc_auc_score

    return float(
        roc_auc_score(np.r_[np.ones(len(known)), np.zeros(len(strange))], np.r_[known, strange])
    )


def coverage(sure, right, precision):
    """The largest share that can be answered at this precision, had one known the threshold."""
    order = np.argsort(-sure)
    kept = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(kept >= precision)
    return float((good.max() + 1) / len(order)) if len(good) else 0.0


# --- recognition ---------------------------------------------------------------------------------------------------------


def clinc150(meaning):
    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        data = json.load(file)
    part = "test" if "test" in data else "val"
    recognition(
        "CLINC150",
        meaning,
        data["train"],
        [text for text, _ in data["oos_train"]],
        data[part],
        {"oos": [text for text, _ in data[f"oos_{part}"]]},
    )


def banking77(meaning):
    found = lines("banking77/dev.jsonl.gz")
    splits = {
        name: [(one["text"], one["label"]) for one in found if one["split"] == name]
        for name in {one["split"] for one in found}
    }
    part = "test" if "test" in splits else "valid"
    strange = {
        name: [text for text, _ in splits[f"{name}-oos-{part}"]]
        for name in ("id", "ood")
        if f"{name}-oos-{part}" in splits
    }
    recognition("BANKING77", meaning, splits["train"], [], splits[part], strange)


def recognition(name, meaning, taught, novel, asked, strange):
    """The product's recogniser, and the floors, on the same split."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    labels = np.array([label for _, label in asked])
    majority = Counter(label for _, label in taught).most_common(1)[0][0]
    row(f"{name} majority", in_scope=float((labels == majority).mean()))
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    floor = LogisticRegression(C=10, max_iter=200, tol=1e-3).fit(
        words.fit_transform([text for text, _ in taught]), [label for _, label in taught]
    )
    chance = floor.predict_proba(words.transform([text for text, _ in asked]))
    right = floor.classes_[chance.argmax(1)] == labels
    for kind, texts in strange.items():
        other = floor.predict_proba(words.transform(texts)).max(1)
        row(
            f"{name} tf-idf + logistic regression, {kind}",
            in_scope=float(right.mean()),
            auroc=auroc(chance.max(1), other),
            coverage_at_95=coverage(
                np.r_[chance.max(1), other], np.r_[right, np.zeros(len(other), bool)], 0.95
            ),
        )
    began = time.monotonic()
    model = train_recogniser(
        [Example(text, label, {}) for text, label in taught], novel, meaning, "bench"
    )
    seconds = time.monotonic() - began
    recogniser = TrainedRecogniser(
        lambda: model, meaning, {label: label for label in model.learner.labels}
    )
    answers = [recogniser.recognise(text) for text, _ in asked]
    best = np.array([answer.guesses[0].kind for answer in answers]) == labels
    named = np.array([answer.kind for answer in answers]) == labels
    sure = sureness(model, meaning, [text for text, _ in asked])
    for kind, texts in strange.items():
        other = sureness(model, meaning, texts)
        abstained = np.array([recogniser.recognise(text).abstains for text in texts])
        row(
            f"{name} Countersign, {kind}",
            in_scope=float(named.mean()),
            oos_recall=float(abstained.mean()),
            best_guess=float(best.mean()),
            auroc=auroc(sure, other),
            coverage_at_95=coverage(
                np.r_[sure, other], np.r_[best, np.zeros(len(other), bool)], 0.95
            ),
            trained_in_s=round(seconds),
        )


def sureness(model, meaning, texts):
    vectors = meaning.embed(texts)
    signs = [
        signs_of(model.learner.labels, model.learner.scores(text, {}, vector), model.known @ vector)
        for text, vector in zip(texts, vectors, strict=True)
    ]
    return np.array([model.confidence(one) for one in signs])


# --- recommendation ------------------------------------------------------------------------------------------------------

COMPLAINT = (
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


def decided(name, said, facts, action, at):
    return Precedent(
        id=str(name),
        kind="k",
        said=said,
        what="",
        facts=facts,
        action=action,
        steps=(),
        decided_by=("people",),
        ended=CaseOutcome.WORKED,
        reason="",
        ended_at=at,
        channel="C0",
    )


def cfpb(meaning):
    """In time order. When a complaint was closed is not in the data; its outcome is shown three days after it was received."""
    found = sorted(
        lines("cfpb_complaints/dev.jsonl.gz"),
        key=lambda one: (one["date_received"], one["complaint_id"]),
    )
    days = [datetime.fromisoformat(one["date_received"]) for one in found]
    said = [(one["complaint_what_happened"] or "")[:2000] for one in found]
    told = np.array([bool(text) for text in said])
    vectors = meaning.embed(said) * told[:, None]
    past = [
        decided(
            one["complaint_id"],
            text,
            {name: one[name] for name in COMPLAINT},
            one["company_response"],
            day,
        )
        for one, text, day in zip(found, said, days, strict=True)
    ]
    labels = np.array([one.action for one in past])
    asked, guesses, floors, sure, promised = [], [], [], [], []
    later = sorted(set(days))[7:]
    for first in range(0, len(later), 3):
        known = [place for place, day in enumerate(days) if day <= later[first] - CLOSED_AFTER]
        model = train_plan("k", [past[place] for place in known], vectors[known], target=0.90)
        floor = floor_of(found, said, known)
        for place in [place for place, day in enumerate(days) if day in later[first : first + 3]]:
            margins = model.margins(past[place].said, past[place].facts, vectors[place])
            best = max(margins, key=margins.__getitem__)
            asked.append(place)
            guesses.append(best)
            sure.append(margins[best])
            promised.append(model.promise is not None and margins[best] >= model.promise.threshold)
        floors += list(
            floor([place for place, day in enumerate(days) if day in later[first : first + 3]])
        )
    right, asked = np.array(guesses) == labels[asked], np.array(asked)
    majority = Counter(labels[: asked[0]]).most_common(1)[0][0]
    row("CFPB majority", top_1=float((labels[asked] == majority).mean()))
    right_floor = np.array(floors) == labels[asked]
    row(
        "CFPB facts and tf-idf + logistic regression",
        top_1=float(right_floor.mean()),
        with_narrative=float(right_floor[told[asked]].mean()),
    )
    promised = np.array(promised)
    weeks = np.array([days[place].isocalendar().week for place in asked])
    kept = {
        int(week): round(float(right[(weeks == week) & promised].mean()), 3)
        for week in sorted(set(weeks))
        if ((weeks == week) & promised).any()
    }
    row(
        "CFPB Countersign",
        top_1=float(right.mean()),
        with_narrative=float(right[told[asked]].mean()),
        coverage_at_90=coverage(np.array(sure), right, 0.90),
        promised=float(promised.mean()),
        precision_where_promised=float(right[promised].mean()) if promised.any() else None,
        by_week=json.dumps(kept),
        asked=len(asked),
    )


def floor_of(found, said, known):
    from scipy import sparse
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    facts = [{name: str(one[name]) for name in COMPLAINT} for one in found]
    plain, words = (
        DictVectorizer().fit([facts[place] for place in known]),
        TfidfVectorizer(min_df=3, max_features=30_000),
    )
    words.fit([said[place] for place in known])

    def rows(places):
        return sparse.hstack(
            [
                plain.transform([facts[place] for place in places]),
                words.transform([said[place] for place in places]),
            ]
        ).tocsr()

    fitted = LogisticRegression(C=1, max_iter=200, tol=1e-2).fit(
        rows(known), [found[place]["company_response"] for place in known]
    )
    return lambda places: fitted.predict(rows(places))


TICKET = (
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


def servicenow(meaning):
    """The last fifth in time order, learned anew every 500 tickets from those that had closed; and what cannot be learned is not guessed."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    with gzip.open(DATA / "servicenow_incidents/dev.csv.gz", "rt") as file:
        found = sorted(csv.DictReader(file), key=lambda one: one["opened_at"])
    cut = int(len(found) * 0.8)
    examples = [
        Example("", one["final_group"], {name: one[name] for name in TICKET}) for one in found
    ]
    nothing = np.zeros((len(found), 384), np.float32)
    first, three, right_floor, three_floor = [], [], [], []
    for start in range(cut, len(found), 500):
        known = [
            place for place in range(start) if found[place]["closed_at"] < found[start]["opened_at"]
        ]
        learner = train([examples[place] for place in known], nothing[known], penalty=0.3)
        plain = DictVectorizer()
        floor = LogisticRegression(C=1, max_iter=40, tol=1e-2).fit(
            plain.fit_transform([examples[place].facts for place in known]),
            [examples[place].label for place in known],
        )
        asked = range(start, min(start + 500, len(found)))
        chance = floor.predict_proba(plain.transform([examples[place].facts for place in asked]))
        for place, chances in zip(asked, chance, strict=True):
            scores = learner.scores("", examples[place].facts, nothing[place])
            best = [learner.labels[one] for one in np.argsort(-scores)[:3]]
            first.append(best[0] == examples[place].label)
            three.append(examples[place].label in best)
            order = floor.classes_[np.argsort(-chances)[:3]]
            right_floor.append(order[0] == examples[place].label)
            three_floor.append(examples[place].label in order)
    stayed = np.mean(
        [
            found[place]["first_group"] == found[place]["final_group"]
            for place in range(cut, len(found))
        ]
    )
    row("ServiceNow group, first group stays", top_1=float(stayed))
    row(
        "ServiceNow group, logistic regression",
        top_1=float(np.mean(right_floor)),
        top_3=float(np.mean(three_floor)),
    )
    row("ServiceNow group, Countersign", top_1=float(np.mean(first)), top_3=float(np.mean(three)))
    codes = [Example("", one["closed_code"], {name: one[name] for name in TICKET}) for one in found]
    learner = train(codes[: cut // 2], nothing[: cut // 2], penalty=0.3)
    judged = []
    for place in range(cut // 2, cut):
        margins = margins_of(learner.labels, learner.scores("", codes[place].facts, nothing[place]))
        best = max(margins, key=margins.__getitem__)
        judged.append(Judged(margins[best], best == codes[place].label))
    promise = certify(judged, 0.90)
    majority = Counter(code.label for code in codes[:cut]).most_common(1)[0][0]
    row(
        "ServiceNow closing code",
        majority=float(np.mean([code.label == majority for code in codes[cut:]])),
        best_guess=float(np.mean([one.was_right for one in judged])),
        promised_at_90="nothing: abstains"
        if promise is None
        else f"from {promise.threshold:.2f} on, {promise.judged} of {len(judged)}",
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


def retail(meaning):
    """Through the product's recommender: the playbook's conditions over the order's state narrow, the past ranks."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    tasks = [
        one
        for one in lines("retail_actions/tasks.jsonl.gz")
        if any(action["write"] for action in one["actions"])
    ]
    with gzip.open(DATA / "retail_actions/orders.json.gz", "rt") as file:
        orders = json.load(file)
    first = [next(action["name"] for action in one["actions"] if action["write"]) for one in tasks]
    is_taught = [one["split"] == "train" for one in tasks]
    past = [
        decided(one["idx"], one["instruction"], {"status": status_of(one, orders)}, action, EPOCH)
        for one, action, taught in zip(tasks, first, is_taught, strict=True)
        if taught
    ]
    model = train_plan("k", past, meaning.embed([one.said for one in past]))
    recommender = RememberingRecommender(Nothing(), lambda kind: model, meaning, utc_now)
    offers = tuple(Offer(f"{name}", when, {}, "") for name, when in WRITES.items())
    asked = [
        (one, action)
        for one, action, taught in zip(tasks, first, is_taught, strict=True)
        if not taught
    ]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    floor = LogisticRegression(C=10, max_iter=300).fit(
        words.fit_transform([one.said for one in past]), [one.action for one in past]
    )
    by_floor = floor.predict(words.transform([one["instruction"] for one, _ in asked]))
    right = [chosen_for(recommender, offers, one, orders) == action for one, action in asked]
    majority = Counter(one.action for one in past).most_common(1)[0][0]
    row(
        "retail first action, majority",
        top_1=float(np.mean([action == majority for _, action in asked])),
        asked=len(asked),
    )
    row(
        "retail first action, tf-idf + logistic regression",
        top_1=float(np.mean([a == action for a, (_, action) in zip(by_floor, asked, strict=True)])),
    )
    row("retail first action, Countersign", top_1=float(np.mean(right)))


class Nothing:
    def recall(self, *asked):
        return Recollection()


def status_of(task, orders):
    """The state of the order that is spoken of: by its number, or by what is in it; else that of the customer's only kind of order."""
    text = task["instruction"].lower()
    own = [order for order in orders.values() if order["user_id"] == task["user_id"]]
    named = sorted(
        (text.find(number.lower()), order["status"])
        for number, order in orders.items()
        if number.lower() in text
    )
    spoken = sorted(
        (place, order["status"])
        for order in own
        for item in order["items"]
        if (place := text.find(item["name"].lower())) >= 0
    )
    states = [status for _, status in named or spoken] or [
        order["status"] for order in own if order["status"] in {"pending", "delivered"}
    ]
    open_ones = [
        status.split(" ")[0]
        for status in states
        if status.split(" ")[0] in {"pending", "delivered"}
    ]
    return open_ones[0] if open_ones else ""


def chosen_for(recommender, offers, task, orders):
    from dataclasses import replace

    from tests.cases.making import opened
    from tests.world import playbook

    status = status_of(task, orders)
    # Where no order is spoken of, nothing is known of its state, and no condition may rule anything out.
    fitting = offers if status else tuple(replace(offer, when="") for offer in offers)
    case = replace(
        opened(),
        signal=Signal(
            source="r",
            key="k",
            kind="k",
            subject="s",
            title=task["instruction"],
            occurred_at=None,
            facts={},
        ),
    )
    evidence = (
        (
            Evidence(
                name="order.status", label="status", value=status, source="records", read_at=EPOCH
            ),
        )
        if status
        else ()
    )
    found, _ = recommender.recommend(case, playbook(kind="k", offers=fitting), evidence, prepared)
    return found.action


def prepared(name, parameters):
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


# --- retrieval -----------------------------------------------------------------------------------------------------------

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


def runbooks(meaning):
    """Questions of our own; the runbooks without their titles. Which one answers, and that none does where none can."""
    found = lines("runbooks/corpus.jsonl.gz")
    names = [one["id"] for one in found]
    vectors = meaning.embed([one["text_stripped"] for one in found])
    words = WordIndex()
    words.put((one["id"], one["text_stripped"]) for one in found)
    told = {"words": [], "meaning": [], "both": []}
    for question, answers in QUESTIONS.items():
        likeness = vectors @ meaning.embed([question])[0]
        by_meaning = [names[place] for place in np.argsort(-likeness)[:50]]
        by_words = words.best(question, 50)
        scores = Counter()
        for ranking in (by_meaning, by_words):
            for rank, name in enumerate(ranking):
                scores[name] += 1 / (60 + rank)
        for way, ranking in (
            ("words", by_words),
            ("meaning", by_meaning),
            ("both", [name for name, _ in scores.most_common(3)]),
        ):
            told[way].append(
                (ranking[:1] and ranking[0] in answers, bool(answers & set(ranking[:3])))
            )
    for way, hits in told.items():
        row(
            f"runbooks by {way}",
            first=float(np.mean([hit[0] for hit in hits])),
            in_three=float(np.mean([hit[1] for hit in hits])),
        )
    strange = [float((vectors @ meaning.embed([question])[0]).max()) for question in NOWHERE]
    known = [float((vectors @ meaning.embed([question])[0]).max()) for question in QUESTIONS]
    row(
        "runbooks, nothing fits",
        abstained=float(np.mean(np.array(strange) < ALIKE)),
        answered_where_one_does=float(np.mean(np.array(known) >= ALIKE)),
    )


# --- cost ----------------------------------------------------------------------------------------------------------------


class Jittered:
    """Vectors near real ones, so that a hundred thousand precedents need no hundred thousand embeddings. Questions are embedded for real."""

    is_semantic = True

    def __init__(self, meaning, base):
        self.identity, self._meaning, self._base = meaning.identity, meaning, base
        self._dice = np.random.default_rng(SEED)

    def embed(self, texts):
        if len(texts) == 1:
            return self._meaning.embed(texts)
        places = self._dice.integers(0, len(self._base), len(texts))
        return unit(
            self._base[places] + self._dice.normal(0, 0.03, (len(texts), 384)).astype(np.float32)
        )


def cost(meaning, sizes=(1_000, 10_000, 100_000)):
    """One core, one case at a time: embed, recognise, recall, recommend; and how much of the true ten nearest the index finds."""
    from dataclasses import replace

    from tests.cases.making import opened
    from tests.world import playbook

    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        titles = [text for text, _ in json.load(file)["train"][:3000]]
    base = meaning.embed(titles)
    kinds = [f"kind_{place}" for place in range(20)]
    examples = [Example(text, kinds[place % 20], {}) for place, text in enumerate(titles)]
    model = train_recogniser(examples, (), meaning, "bench", folds=2)
    fresh = Cached(meaning)
    recogniser = TrainedRecogniser(lambda: model, fresh, dict.fromkeys(kinds, "x"))
    offers = (Offer("house.a", "", {}, "because"), Offer("house.b", "", {}, "because"))
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/x.db")
            migrate(database)
            shelf = SqlPrecedentStore(Store.over(database))
            many = (
                Precedent(
                    id=f"EX-{n}.1",
                    kind=kinds[n % 20],
                    said=f"{titles[n % 3000]} {n}",
                    what="",
                    facts={},
                    action="house.a",
                    steps=(),
                    decided_by=("Ana",),
                    ended=CaseOutcome.WORKED,
                    reason="",
                    ended_at=EPOCH,
                    channel="C0STOCK",
                )
                for n in range(size)
            )
            while page := list(itertools.islice(many, 2000)):
                shelf.save(page)
            began = time.monotonic()
            embedder = Jittered(meaning, base)
            memory = Precedents(
                shelf,
                embedder,
                VectorIndex(Path(folder) / "memory", "", embedder.identity),
                patience=30,
            )
            memory.open()
            filled = time.monotonic() - began
            memory._embedder = fresh
            held = round(psutil.Process().memory_info().rss / 2**20)
            recommender = RememberingRecommender(memory, lambda kind: None, fresh, utc_now)
            book = playbook(kind="kind_3", offers=offers)
            took = []
            for place in range(220):
                text = f"{titles[(place * 7) % 3000]} case {place} of {size}"
                case = replace(
                    opened(),
                    kind="kind_3",
                    signal=Signal(
                        source="b",
                        key="k",
                        kind="kind_3",
                        subject="s",
                        title=text,
                        occurred_at=None,
                        facts={},
                    ),
                )
                began = time.perf_counter()
                recogniser.recognise(text)
                recommender.recommend(case, book, (), prepared)
                took.append(1000 * (time.perf_counter() - began))
            took = sorted(took[20:])
            row(
                f"cost at {size:,} precedents",
                p50_ms=statistics.median(took),
                p99_ms=took[int(len(took) * 0.99)],
                recall_at_10=recall_at_10(memory, meaning, titles),
                rss_mb=held,
                filled_in_s=round(filled, 1),
            )
            memory.close()
            database.close()


def recall_at_10(memory, meaning, titles):
    """Against exact search over the very vectors that the index holds."""
    stored = memory._index._collection.get(include=["embeddings"])
    names, vectors = np.array(stored["ids"]), np.asarray(stored["embeddings"], np.float32)
    found = []
    for text in titles[:50]:
        vector = meaning.embed([text])[0]
        exact = set(names[np.argpartition(-(vectors @ vector), 10)[:10]])
        found.append(len(exact & {name for name, _ in memory._index.nearest(vector, 50)[:10]}) / 10)
    return float(np.mean(found))


PARTS = {
    part.__name__: part for part in (clinc150, banking77, cfpb, servicenow, retail, runbooks, cost)
}


def main(wanted):
    if not DATA.exists():
        print("the shared data is not here: nothing to measure")
        return
    meaning = MiniLM()
    for name in wanted or PARTS:
        began = time.monotonic()
        if name == "quick":
            runbooks(meaning)
            cost(meaning, sizes=(1_000,))
        else:
            PARTS[name](meaning)
        print(f"# {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
