"""Training examples of the packaged playbooks, and streams of cases that are made up."""

from datetime import timedelta

import numpy as np

from bot.cases.precedent import CaseOutcome, Precedent, PrecedentDecision
from knowledge.learning.linear_model import TrainingExample
from tests.cases.making import NOW


def playbook_examples(library):
    return [
        TrainingExample(text, kind, {})
        for kind, playbook in library.playbooks.items()
        for text in playbook.examples
    ]


def small_examples():
    """Make the smallest set of examples that recognition can be trained on."""
    texts = {
        "low_stock": ("the merlot is low", "gin is running low"),
        "late": ("the van is late", "late delivery"),
    }
    return [TrainingExample(text, kind, {}) for kind in texts for text in texts[kind]]


STREAM_ACTIONS = ("refund", "explain", "correct")
STREAM_ACCOUNTS = 20
CASES_A_DAY = 20


def make_stream(dice, count, *, noise=0.1, first_day=0, accounts=STREAM_ACCOUNTS):
    """Make cases in time order whose action hangs on their account and its topic.

    Each account has a habit for each topic. A part of the cases ends by chance. Returns precedents
    and vectors, which say the topic with noise.
    """
    past, vectors = [], []
    for number in range(count):
        account, topic = int(dice.integers(accounts)), int(dice.integers(3))
        habit = (account + topic * (account % 2)) % 3
        is_noise = dice.random() < noise
        action = STREAM_ACTIONS[int(dice.integers(3)) if is_noise else habit]
        vector = np.zeros(8, np.float32)
        vector[topic] = 1
        vector += dice.normal(0, 0.1, 8).astype(np.float32)
        vectors.append(vector / np.linalg.norm(vector))
        past.append(
            Precedent(
                id=f"{first_day}-{number}",
                kind="low_stock",
                signal_text=f"topic{topic}",
                summary="",
                facts={"account": f"A{account}", "topic": topic},
                decision=PrecedentDecision(action=action, people=("Ana",)),
                outcome=CaseOutcome.WORKED,
                reason="",
                ended_at=NOW + timedelta(days=first_day + number / CASES_A_DAY),
                channel="C0STOCK",
            )
        )
    return past, np.array(vectors)
