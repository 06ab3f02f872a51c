"""Training: its result, its lock, and the process that does without it."""

import subprocess
import sys
from dataclasses import replace

import pytest

from bot.cases.errors import MemoryUnavailable
from knowledge.learning.model_file import ModelFile, save_model
from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.training import train_models, training_lock
from knowledge.learning.training_set import gather_training_set, is_training_due
from knowledge.memory.embedder import Embedders, HashedWordsEmbedder
from tests.knowledge.learning.test_model_file import make_model, make_plan
from tests.store.test_precedents import precedent

pytestmark = pytest.mark.proof

WORDS = Embedders(precedents=HashedWordsEmbedder(), recognition=HashedWordsEmbedder())
FEW_ASKS = {"list": ("what is open", "any {kind}"), "count": ("how many", "how many {kind}")}


def test_a_model_survives_its_file_and_is_trained_again_when_memory_has_grown(
    library, embedders, tmp_path, shelf_of
):
    shelf = shelf_of([precedent(f"EX-{n}", signal_text=f"gin runs low {n}") for n in range(5)])
    training_set = gather_training_set(shelf, library.playbooks, embedders)
    model = train_models(training_set, embedders)
    save_model(model, tmp_path)
    from_file = ModelFile(tmp_path).model
    assert from_file.version == training_set.version
    assert (from_file.memory_size, from_file.embedder) == (5, embedders.precedents.identity)
    assert from_file.recogniser.embedder == embedders.recognition.identity
    titles = dict(library.titles())
    minilm = embedders.recognition
    before = TrainedRecogniser(lambda: model.recogniser, minilm, titles).recognise("no gin left")
    after = TrainedRecogniser(lambda: from_file.recogniser, minilm, titles).recognise("no gin left")
    assert (before.kind, before.guesses) == (after.kind, after.guesses)
    assert not is_training_due(from_file, shelf, embedders)
    shelf.save([precedent(f"EX-more-{n}", signal_text=f"gin {n}") for n in range(10)])
    assert is_training_due(from_file, shelf, embedders)


def test_recognition_is_trained_under_the_share_of_strangers_of_its_training_set(library, shelf_of):
    training_set = gather_training_set(shelf_of([]), library.playbooks, WORDS)
    for share in (0.05, 0.4):
        model = train_models(replace(training_set, stranger_share=share), WORDS)
        assert model.recogniser.trade.stranger_share == share


def test_training_is_due_when_an_embedder_is_another(shelf_of):
    shelf = shelf_of([])
    model = replace(make_model(), memory_size=0)
    assert not is_training_due(model, shelf, WORDS)
    assert is_training_due(replace(model, embedder="another"), shelf, WORDS)
    recogniser = replace(model.recogniser, embedder="another")
    assert is_training_due(replace(model, recogniser=recogniser), shelf, WORDS)
    plan = make_plan("low_stock", WORDS.precedents.identity, size=4)
    assert not is_training_due(replace(model, plans={"low_stock": plan}), shelf, WORDS)
    plan = replace(plan, embedder="another")
    assert is_training_due(replace(model, plans={"low_stock": plan}), shelf, WORDS)


def test_a_model_of_the_release_before_recognises_until_plans_are_trained_again(
    library, minilm, embedders, tmp_path, shelf_of
):
    shelf = shelf_of([])
    one_embedder = Embedders(precedents=minilm, recognition=minilm)
    training_set = gather_training_set(shelf, library.playbooks, one_embedder)
    save_model(train_models(training_set, one_embedder), tmp_path)
    model = ModelFile(tmp_path).model
    assert is_training_due(model, shelf, embedders)
    recogniser = TrainedRecogniser(
        lambda: model.recogniser, embedders.recognition, dict(library.titles())
    )
    assert recogniser.recognise("no gin left").guesses


def test_the_process_of_the_bot_does_not_load_scikit_learn():
    script = "import sys, bot.wiring; print('sklearn' in sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "False"


@pytest.mark.threat("D5")
def test_two_trainings_do_not_run_over_one_memory(tmp_path):
    with (
        training_lock(tmp_path),
        pytest.raises(MemoryUnavailable, match="another training"),
        training_lock(tmp_path),
    ):
        pass
    with training_lock(tmp_path):
        pass


def test_training_is_due_when_the_examples_of_questions_were_others(shelf_of):
    shelf = shelf_of([])
    model = make_model()
    model = replace(model, memory_size=0)
    assert not is_training_due(model, shelf, WORDS, "q1")
    assert is_training_due(model, shelf, WORDS, "q2")
    assert is_training_due(replace(model, questions=None), shelf, WORDS, "q1")
    assert not is_training_due(replace(model, questions=None), shelf, WORDS)


def test_questions_are_learned_without_any_precedent_and_kept_while_their_examples_are(
    library, shelf_of
):
    examples = replace(library.questions(), asks=FEW_ASKS)
    training_set = gather_training_set(shelf_of([]), library.playbooks, WORDS, examples)
    model = train_models(training_set, WORDS)
    assert model.questions.version == training_set.questions.version
    assert train_models(training_set, WORDS, model).questions is model.questions
    other = replace(model, questions=replace(model.questions, version="another"))
    assert train_models(training_set, WORDS, other).questions is not other.questions
