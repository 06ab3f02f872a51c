"""Recognition from few examples, as a team has them in its first weeks.

Subsets of the sets: some of their kinds with a handful of examples each. All other kinds are
strangers, so these are from the same domain.
"""

import numpy as np
from scipy import stats

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.recogniser import best_kind_position, confidence_features
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.learning.training import TextVectors
from tests.bench.knowledge.figures import INTERVAL_LEVEL, Estimate, auroc, progress, report
from tests.bench.knowledge.recognition import banking77_splits, clinc150_splits

#: Numbers of kinds, and of examples of each.
SUBSETS = ((10, 5), (10, 20), (20, 10), (30, 5), (40, 20))

DRAWS = 4

MAX_QUESTIONS = 200


def few(minilm):
    """Measure known against hidden kinds, and what the default threshold does to both."""
    embedder = TextVectors(minilm)
    means = []
    for name, splits in (("CLINC150", clinc150_splits()), ("BANKING77", banking77_splits())):
        for kinds, examples in progress(SUBSETS, f"few, {name}"):
            draws = [
                measure_draw(embedder, *splits, kinds=kinds, examples=examples, seed=seed)
                for seed in range(DRAWS)
            ]
            figures = {
                figure: mean_of(
                    [draw[figure] for draw in draws], is_share=not figure.startswith("auroc")
                )
                for figure in draws[0]
            }
            means += [draw["auroc"] for draw in draws]
            report(f"{name} few, {kinds} kinds of {examples} examples", **figures)
    report("few, all subsets", auroc=mean_of(means, is_share=False))


def measure_draw(embedder, training, questions, *, kinds, examples, seed):
    dice = np.random.default_rng([seed, kinds, examples])
    all_kinds = sorted({kind for _, kind in training})
    # A set of few kinds needs some that are hidden.
    count = min(kinds, len(all_kinds) * 4 // 5)
    known_kinds = set(dice.permutation(all_kinds)[:count].tolist())
    chosen = []
    for kind in sorted(known_kinds):
        texts = [text for text, label in training if label == kind]
        places = dice.permutation(len(texts))[:examples]
        chosen += [TrainingExample(texts[place], kind, {}) for place in places]
    model = train_recogniser(chosen, (), embedder=embedder, version="bench")
    known = sample(dice, [row for row in questions if row[1] in known_kinds])
    hidden = sample(dice, [row for row in questions if row[1] not in known_kinds])
    known_answers = answer(model, embedder, known)
    hidden_answers = answer(model, embedder, hidden)
    right, named, confidence, nearness = known_answers
    _, hidden_named, hidden_confidence, hidden_nearness = hidden_answers
    return {
        "auroc": auroc(confidence, hidden_confidence),
        "auroc_of_nearness": auroc(nearness, hidden_nearness),
        "best_guess": right.mean(),
        "named_rightly": (right & named).mean(),
        "strangers_noticed": 1 - hidden_named.mean(),
    }


def sample(dice, rows):
    return [rows[place] for place in dice.permutation(len(rows))[:MAX_QUESTIONS]]


def answer(model, embedder, rows):
    """Return of each text whether it is right and named, its confidence and its nearness."""
    answers = []
    for (text, kind), vector in zip(rows, embedder.embed([text for text, _ in rows]), strict=True):
        labels = model.linear_model.labels
        scores = model.linear_model.score(text, {}, vector)
        features = confidence_features(labels, scores, model.example_vectors @ vector)
        is_right = labels[best_kind_position(labels, scores)] == kind
        limits = model.limits
        is_named = limits.is_known_kind(features)
        answers.append((is_right, is_named, limits.stated_confidence(features), features[-1]))
    rights, names, confidences, nearness = zip(*answers, strict=True)
    return np.array(rights), np.array(names), np.array(confidences), np.array(nearness)


def mean_of(figures, *, is_share):
    """Return the mean of some draws with Student's interval."""
    figures = np.array(figures, float)
    mean = float(figures.mean())
    spread = stats.sem(figures) * stats.t.ppf((1 + INTERVAL_LEVEL) / 2, len(figures) - 1)
    # Figures are shares or areas: none is above one.
    return Estimate(
        value=mean,
        low=max(mean - spread, 0.0),
        high=min(mean + spread, 1.0),
        cases=len(figures),
        is_share=is_share,
    )
