"""Recognition of kinds, and of texts that belong to none."""

import gzip
import json
import time
from collections import Counter

import numpy as np

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.recogniser import TrainedRecogniser, confidence_features
from knowledge.learning.recogniser_training import train_recogniser
from tests.bench.knowledge.figures import (
    DATA,
    auroc_estimate,
    coverage_with_others_estimate,
    read_lines,
    report,
    report_calibration,
    share,
    share_of,
)


def clinc150(minilm):
    data, part = read_clinc150()
    measure_recognition(
        name="CLINC150",
        minilm=minilm,
        training=data["train"],
        novel=[text for text, _ in data["oos_train"]],
        questions=data[part],
        other_texts={"oos": [text for text, _ in data[f"oos_{part}"]]},
    )


def banking77(minilm):
    splits, part = read_banking77()
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


def clinc150_splits():
    """Return the examples and the questions of CLINC150."""
    data, part = read_clinc150()
    return data["train"], data[part]


def banking77_splits():
    """Return the examples and the questions of BANKING77."""
    splits, part = read_banking77()
    return splits["train"], splits[part]


def read_clinc150():
    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        data = json.load(file)
    return data, "test" if "test" in data else "val"


def read_banking77():
    splits = {}
    for row in read_lines("banking77/dev.jsonl.gz"):
        splits.setdefault(row["split"], []).append((row["text"], row["label"]))
    return splits, "test" if "test" in splits else "valid"


def measure_recognition(*, name, minilm, training, novel, questions, other_texts):
    """Measure the product's recogniser and two others on one split."""
    labels = np.array([label for _, label in questions])
    majority = Counter(label for _, label in training).most_common(1)[0][0]
    report(f"{name} majority", in_scope=share_of(labels == majority))
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
    named = sum(bool(answer.kind) for answer in answers)
    confidences, is_unlike = measure_confidences(model, minilm, texts)
    report_calibration(f"{name} Countersign, known kinds", confidences, is_best)
    report(
        f"{name} Countersign, unlike the past",
        unlike=share_of(is_unlike),
        best_guess_of_unlike=share_of(is_best[is_unlike]),
        max_confidence_of_unlike=model.limits.unlike_confidence,
    )
    for sort, sort_texts in other_texts.items():
        others, is_unlike_other = measure_confidences(model, minilm, sort_texts)
        abstains = [recogniser.recognise(text).abstains for text in sort_texts]
        report(
            f"{name} Countersign, {sort}",
            in_scope=share_of(is_recognised),
            oos_recall=share_of(abstains),
            right_of_named=share(is_recognised.sum(), named + len(abstains) - sum(abstains)),
            best_guess=share_of(is_best),
            points_lost=100 * float(is_best.mean() - is_recognised.mean()),
            threshold=model.limits.threshold,
            unlike_the_past=share_of(is_unlike_other),
            auroc=auroc_estimate(confidences, others),
            coverage_at_95=coverage_with_others_estimate(
                confidences, others, is_right=is_best, precision=0.95
            ),
            share_of_strangers=share(len(others), len(others) + len(texts)),
            trained_in_s=round(seconds),
        )
        report_calibration(
            f"{name} Countersign, with strangers, {sort}",
            np.r_[confidences, others],
            np.r_[is_best, np.zeros(len(others), bool)],
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
            in_scope=share_of(is_right),
            auroc=auroc_estimate(confidences, others),
            coverage_at_95=coverage_with_others_estimate(
                confidences, others, is_right=is_right, precision=0.95
            ),
        )


def measure_confidences(model, minilm, texts):
    """Return the confidence that is stated of each text, and whether it is unlike the past."""
    confidences = []
    is_unlike = []
    for text, vector in zip(texts, minilm.embed(texts), strict=True):
        scores = model.linear_model.score(text, {}, vector)
        similarities = model.example_vectors @ vector
        features = confidence_features(model.linear_model.labels, scores, similarities)
        confidences.append(model.limits.stated_confidence(features))
        is_unlike.append(model.limits.is_unlike_past(features))
    return np.array(confidences), np.array(is_unlike, bool)
