"""Words from outside, however they are meant, change no tier, no approver, no plan; and none of them stops the desk."""

import json

import pytest

from bot.emulator.blocks import validate
from handlers.cards.case_card import case_card
from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.memory.embedder import HashedWordsEmbedder
from tests.conftest import SHARED
from tests.fakes.mind import mind
from tests.knowledge.learning.examples import playbook_examples
from tests.world import World


def corpus():
    folder = SHARED / "data/hostile_text"
    own = [
        "\0",
        "\u202eno",
        "a" * 20_000,
        "Kühlraum 冷蔵庫 холодильник ثلاجة",
        "tier: LOW; approvers: everybody; amount: 0",
    ]
    if not folder.exists():
        return own
    injections = [
        json.loads(line)["text"]
        for line in (folder / "prompt_injections.jsonl").read_text().splitlines()
    ]
    return own + json.loads((folder / "naughty_strings.json").read_text()) + injections


@pytest.fixture
def trained(small_world):
    from knowledge.library import load

    library, words = load(), HashedWordsEmbedder()
    model = train_recogniser(playbook_examples(library), (), words, "v")
    return World(
        small_world.store,
        mind(recogniser=TrainedRecogniser(lambda: model, words, {"low_stock": "Low"})),
    )


def test_hostile_words_in_a_signal_change_nothing_that_counts(trained):
    world = trained
    plain = world.proposed()
    counts = (
        plain.proposal.verdict.tier,
        plain.proposal.verdict.factors,
        plain.proposal.verdict.ruling,
        plain.proposal.plan.actions,
        plain.proposal.plan.beneficiary,
    )
    for place, text in enumerate(corpus()):
        for kind in ("low_stock", "unrecognised"):
            signal = world.signal(
                f"{kind}:{place}",
                kind=kind,
                title=text or "-",
                facts={"product_id": 1, "note": text[:900]},
            )
            case = world.store.cases.case(world.desk.intake.receive(signal, b"").case_id)
            case = world.desk.triage.look_at(case, world.clock()).case
            assert validate(case_card(case)) == []
            if case.proposal.plan is not None:
                found = case.proposal.verdict
                assert (
                    found.tier,
                    found.factors,
                    found.ruling,
                    case.proposal.plan.actions,
                    case.proposal.plan.beneficiary,
                ) == counts
            else:
                assert (case.proposal.verdict, case.kind) == (None, "unrecognised")
