"""Documents and precedents that a question finds."""

import contextlib
import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.keyword_index import KeywordEntry, KeywordIndex
from knowledge.memory.keywords import find_keywords
from knowledge.memory.kind_scales import MAX_COMPARED, MAX_READ
from knowledge.memory.minilm import MiniLM
from knowledge.memory.pieces import list_passages
from knowledge.memory.precedent_index import MAX_PRECEDENTS
from knowledge.memory.ranking import fuse_scores
from knowledge.memory.relevance import ComparedText, MatchSigns, WordCounts, measure_scale
from tests.bench.knowledge.figures import (
    CHANNEL,
    DATA,
    auroc_estimate,
    read_lines,
    report,
    share_of,
)

# As the index of precedents fetches, and how many a second look would compare again.
FETCHED = 50

LOOKED_AT_AGAIN = 30

# One kind in so many is left out.
KINDS_PER_LEFT_OUT = 4

NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

FIRST_SENTENCE = re.compile(r"## Meaning\s+(.+?)(?:\.\s|\n\n|$)", re.DOTALL)

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


def runbooks(embedder):
    """Measure questions over runbooks whose titles are left out.

    Questions of our own; the names of the alerts, in words; and the first sentence of a runbook,
    with its text left in (as the summary of an alert repeats it) and held out of the text. Each is
    asked again without the runbooks that answer it: whatever is then found is a near miss.
    """
    documents = read_lines("runbooks/corpus.jsonl.gz")
    names = [document["id"] for document in documents]
    texts = [document["text_stripped"] for document in documents]
    sentences = [FIRST_SENTENCE.search(text) for text in texts]
    summaries = [
        (match.group(1), {name}) for match, name in zip(sentences, names, strict=True) if match
    ]
    shortened = [
        text.replace(match.group(1), "") if match else text
        for match, text in zip(sentences, texts, strict=True)
    ]
    alerts = [(" ".join(NAME_PART.findall(name)), {name}) for name in names]
    for what, questions, corpus in (
        ("questions", list(QUESTIONS.items()), texts),
        ("alert names", alerts, texts),
        ("summaries", summaries, texts),
        ("summaries held out", summaries, shortened),
    ):
        with DocumentSearch.open(embedder, names, corpus) as search:
            measure_runbooks(f"runbooks, {what}", search, questions)


def measure_runbooks(what, search, questions):
    hits = {"words": [], "meaning": [], "both": []}
    matches = {"answerable": [], "near misses": []}
    for question, answers in questions:
        answer = search.ask(question)
        for way, ranking in answer.rankings.items():
            hits[way].append((bool(answers & set(ranking[:1])), bool(answers & set(ranking[:3]))))
        matches["answerable"].append(answer.best(()))
        matches["near misses"].append(answer.best(answers))
    for way, results in hits.items():
        first, in_three = map(share_of, zip(*results, strict=True))
        report(f"{what}, by {way}", first=first, in_three=in_three)
    report_abstention(what, search.scale, *matches.values())


def report_abstention(what, scale, answerable, near_misses):
    """Report how well matches of answers are told from near misses.

    By each sign, by the relevance that cards go by, and at the bar of the cards where there are
    enough others to measure it.
    """
    at_bar = {}
    if scale:
        at_bar = {
            "near_misses_called_like": share_of(list(map(scale.is_like, near_misses))),
            "answerable_called_farther": share_of([not scale.is_like(one) for one in answerable]),
        }
    signs = {
        "similarity": lambda match: match.similarity,
        "coverage": lambda match: match.coverage,
        "relevance": lambda match: match.relevance,
    }
    areas = {
        f"auroc_by_{name}": auroc_estimate(
            list(map(sign, answerable)), list(map(sign, near_misses))
        )
        for name, sign in signs.items()
    }
    report(
        f"{what}, abstention",
        **at_bar,
        **areas,
    )


class DocumentAnswer(NamedTuple):
    """The documents by each way of searching, and how well each matches."""

    rankings: dict[str, list[str]]
    #: What speaks for each of them.
    matches: dict[str, MatchSigns]

    def best(self, left_out):
        """Return the match of the first document but those left out."""
        return self.matches[next(name for name in self.rankings["both"] if name not in left_out)]


class DocumentSearch:
    """A search over documents with what searches the precedents."""

    def __init__(self, embedder, names, texts, keywords):
        self.embedder = embedder
        self.names = names
        self.keywords = keywords
        self.words = [frozenset(find_keywords(text)) for text in texts]
        passages = [(n, passage) for n, text in enumerate(texts) for passage in list_passages(text)]
        self.owners = np.array([number for number, _ in passages])
        self.vectors = embedder.embed([passage for _, passage in passages])
        whole = np.unique(self.owners, return_index=True)[1]
        self.word_counts = WordCounts(self.words)
        compared = map(ComparedText, self.vectors[whole], self.words)
        self.scale = measure_scale(list(compared), MAX_COMPARED)

    @classmethod
    @contextlib.contextmanager
    def open(cls, embedder, names, texts):
        with keyword_index(texts) as keywords:
            yield cls(embedder, names, texts, keywords)

    def ask(self, question):
        similarities = np.full(len(self.names), -1.0)
        passage_similarities = self.vectors @ self.embedder.embed([question])[0]
        np.maximum.at(similarities, self.owners, passage_similarities)
        order = np.argsort(-similarities, kind="stable")[:FETCHED].tolist()
        by_meaning = [(number, float(similarities[number])) for number in order]
        by_words = self.keywords.search(question, FETCHED, "", [CHANNEL])
        weighed_words = self.word_counts.weigh(frozenset(find_keywords(question)))
        searches = {
            "words": by_words,
            "meaning": by_meaning,
            "both": fuse_scores([by_meaning, by_words]),
        }
        return DocumentAnswer(
            {way: [self.names[key] for key, _ in found] for way, found in searches.items()},
            {
                name: MatchSigns(
                    float(similarities[number]), weighed_words.coverage(self.words[number])
                )
                for number, name in enumerate(self.names)
            },
        )


@contextlib.contextmanager
def keyword_index(texts):
    """Index texts by their positions."""
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as folder:
        keywords = KeywordIndex(Path(folder) / "keywords")
        keywords.open()
        entries = [KeywordEntry(number, "", CHANNEL, text) for number, text in enumerate(texts)]
        keywords.update(entries, removed_keys=(), position=len(texts))
        yield keywords


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
    for name, stories, asked_about in (
        ("CLINC150", data["train"], data["val"]),
        ("BANKING77", training, questions),
    ):
        measure_kinds_left_out(name, stories, asked_about, embedder)


def measure_neighbours(name, training, questions, embedder):
    texts = [text for text, _ in training]
    labels = np.array([label for _, label in training])
    question_texts = [text for text, _ in questions]
    with keyword_index(texts) as keywords:
        by_words = [keywords.search(text, FETCHED, "", [CHANNEL]) for text in question_texts]
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
    scores = {
        "model": model_similarities,
        "second look by the model": model_similarities,
        "hashed words": hashed_words,
    }
    for way, rankings in ways.items():
        of_way = np.take_along_axis(scores.get(way, similarities), rankings, axis=1)
        found = [
            list(zip(ranking.tolist(), row.tolist(), strict=True))
            for ranking, row in zip(rankings, of_way, strict=True)
        ]
        measure_rankings(f"{name} neighbours, {way}", found, by_words, labels, questions)


def measure_kinds_left_out(name, training, questions, embedder):
    """Measure what cards call like when a quarter of the kinds was never decided.

    The stories of the others are those of one kind of case, and a question of a kind that is left
    out is a near miss.
    """
    left_out = set(sorted({label for _, label in training})[::KINDS_PER_LEFT_OUT])
    texts = [text for text, label in training if label not in left_out]
    vectors = embedder.embed(texts)
    words = [frozenset(find_keywords(text)) for text in texts]
    sample = np.linspace(0, len(texts) - 1, min(len(texts), MAX_READ)).astype(int).tolist()
    compared = [ComparedText(vectors[number], words[number]) for number in sample]
    scale = measure_scale(compared, MAX_COMPARED)
    similarities = embedder.embed([text for text, _ in questions]) @ vectors.T
    # As the product counts, in what it has read.
    word_counts = WordCounts([words[number] for number in sample])
    matches = ([], [])
    for row, (text, label) in zip(similarities, questions, strict=True):
        nearest = np.argsort(-row)[:MAX_PRECEDENTS].tolist()
        weighed_words = word_counts.weigh(find_keywords(text))
        signs = [
            MatchSigns(float(row[number]), weighed_words.coverage(words[number]))
            for number in nearest
        ]
        best = max(signs, key=lambda match: (bool(scale) and scale.is_like(match), match.relevance))
        matches[label in left_out].append(best)
    report_abstention(f"{name} neighbours, kinds left out", scale, *matches)


def question_similarities(embedder, texts, questions):
    return embedder.embed(questions) @ embedder.embed(texts).T


def measure_rankings(what, searches, by_words, labels, questions):
    """Compare the labels of what was found, by meaning alone and with keywords."""
    first, in_five, in_ten_with_words = [], [], []
    for by_meaning, by_word, (_, label) in zip(searches, by_words, questions, strict=True):
        ranking = [number for number, _ in by_meaning]
        first.append(labels[ranking[0]] == label)
        in_five.append((labels[ranking[:5]] == label).mean())
        both = [number for number, _ in fuse_scores([by_meaning, by_word])]
        in_ten_with_words.append((labels[both[:10]] == label).mean())
    report(
        what,
        first=share_of(first),
        in_five=float(np.mean(in_five)),
        in_ten_with_keywords=float(np.mean(in_ten_with_words)),
    )
