"""The model file: damages, and what the bot does about them."""

import io
import os
import pickle
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.model_file import (
    FILE_NAME,
    ModelFile,
    TrainedModel,
    load_model,
    save_model,
)
from knowledge.learning.plan_training import train_plan_model
from knowledge.learning.question_examples import LabelledQuestion, QuestionTrainingSet
from knowledge.learning.question_model import TrainedQuestionClassifier
from knowledge.learning.question_training import train_question_model
from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.learning.training_set import is_training_due
from knowledge.memory.embedder import Embedders, HashedWordsEmbedder
from tests.knowledge.learning.examples import make_stream, small_examples
from tests.store.test_precedents import decision, precedent

pytestmark = pytest.mark.threat("D5")
WORDS = HashedWordsEmbedder()
TITLES = {"low_stock": "Low", "late": "Late"}


def make_model():
    words = HashedWordsEmbedder()
    return TrainedModel(
        version="v1",
        memory_size=4,
        memory_place=4,
        embedder=words.identity,
        recogniser=train_recogniser(small_examples(), novel_texts=(), embedder=words, version="v1"),
        plans={},
        questions=train_question_model(make_questions()),
    )


def make_questions():
    asks = [
        ("what is open", "list"),
        ("any open", "list"),
        ("how many", "count"),
        ("count", "count"),
    ]
    kinds = [("low wine", "low_stock"), ("no gin", "low_stock"), ("how many", ""), ("hello", "")]
    return QuestionTrainingSet(
        asks=tuple(LabelledQuestion(*pair) for pair in asks),
        kinds=tuple(LabelledQuestion(*pair) for pair in kinds),
        names=("wine",),
        version="q1",
    )


@pytest.fixture(scope="module")
def good_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_model(make_model(), folder)
    return folder / FILE_NAME


class Bomb:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def change_arrays(good_file, **changes):
    """Return the file with other arrays; None leaves one out."""
    with np.load(good_file) as arrays:
        all_arrays = {**arrays, **changes}
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in all_arrays.items() if value is not None})
    return buffer.getvalue()


def read_array(good_file, name):
    with np.load(good_file) as arrays:
        return arrays[name]


def with_pickle_inside(good_file):
    """Return the file with an array that numpy could only unpickle."""
    header = b"{'descr':'|O','fortran_order':False,'shape':(1,)}".ljust(117) + b"\n"
    object_array = np.lib.format.magic(1, 0) + b"v\0" + header + pickle.dumps(Bomb())
    buffer = io.BytesIO()
    with zipfile.ZipFile(good_file) as source, zipfile.ZipFile(buffer, "w") as archive:
        for name in set(source.namelist()) - {"version.npy"}:
            archive.writestr(name, source.read(name))
        archive.writestr("extra.npy", pickle.dumps(Bomb()))
        archive.writestr("version.npy", object_array)
    return buffer.getvalue()


def vast(good_file):
    """Return a few kilobytes that unpack to more than is allowed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("version.npy", "w") as member,
    ):
        for _ in range(6):
            member.write(bytes(1_000_000))
    return buffer.getvalue()


def with_flipped_bytes(good_file):
    content = bytearray(good_file.read_bytes())
    for position in range(5_001, 5_020):
        content[position] ^= 255
    return bytes(content)


def with_numbers_that_are_none(good_file):
    weights = read_array(good_file, "recogniser.weights")
    return change_arrays(good_file, **{"recogniser.weights": weights * np.nan})


def with_buckets_in_disorder(good_file):
    buckets = read_array(good_file, "recogniser.places")
    return change_arrays(good_file, **{"recogniser.places": buckets[::-1]})


def cut_in_half(good_file):
    content = good_file.read_bytes()
    return content[: len(content) // 2]


def cut_in_the_directory(good_file):
    return good_file.read_bytes()[:-30]


def replacing(name, value):
    """Make a damage that replaces this array."""

    def damage(good_file):
        return change_arrays(good_file, **{name: value})

    return damage


def being(content):
    """Make a damage that replaces the whole file."""

    def damage(good_file):
        return content

    return damage


DAMAGES = {
    "empty": being(b""),
    "truncated": cut_in_half,
    "truncated in its directory": cut_in_the_directory,
    "random": being(os.urandom(5_000)),
    "nonsense after the magic number": being(b"PK\x03\x04nonsense"),
    "zeros": being(b"\0" * 100),
    "flipped bytes": with_flipped_bytes,
    "a bare pickle": being(pickle.dumps(Bomb())),
    "a pickle inside": with_pickle_inside,
    "vast": vast,
    "another format": replacing("format", np.array("0")),
    "nothing in it": replacing("version", None),
    "no numbers": with_numbers_that_are_none,
    "other weights": replacing("recogniser.weights", np.zeros((3, 3), np.float32)),
    "other classes": replacing("recogniser.labels", np.array(["a", "b", "c"])),
    "one class": replacing("recogniser.labels", np.array(["late"])),
    "no examples": replacing("recogniser.known", np.zeros((0, 384), np.float16)),
    "examples of words": replacing("recogniser.known", np.array(["x"])),
    "another curve": replacing("recogniser.curve", np.zeros(9)),
    "no guard": replacing("recogniser.usual_near", None),
    "a guard that is no number": replacing("recogniser.unlike", np.array(np.nan)),
    "a trade of other kinds": replacing("recogniser.trade.own", np.zeros(7, np.int64)),
    "buckets in disorder": with_buckets_in_disorder,
    "questions without a part": replacing("questions.asks.sharpness", None),
    "questions without names": replacing("questions.names", None),
    "questions with other weights": replacing(
        "questions.kinds.weights", np.zeros((3, 3), np.float32)
    ),
    "questions with words in disorder": replacing("questions.asks.buckets", np.zeros(3, np.int64)),
    "questions without words": replacing("questions.asks.buckets", np.zeros(0, np.int64)),
    "no sharpness": replacing("questions.asks.sharpness", np.array(np.nan)),
    "sharpness of words": replacing("questions.kinds.sharpness", np.array("x")),
    "plans without parts": replacing("plans", np.array(["low_stock"])),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_bot_works_without_a_damaged_model_and_says_so_once_until_training_replaces_it(
    good_file, tmp_path, damage, caplog, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("knowledge.learning.model_file.MAX_BYTES", 5_000_000)
    (tmp_path / FILE_NAME).write_bytes(DAMAGES[damage](good_file))
    file = ModelFile(tmp_path)
    for _ in range(3):
        assert file.model is None
        assert "what was learned cannot be read" in file.failure
    assert [record.getMessage() for record in caplog.records] == [file.failure]
    recogniser = TrainedRecogniser(lambda: file.model, HashedWordsEmbedder(), TITLES)
    basis = recogniser.recognise("the merlot is low").basis
    assert basis == "recognition has not been trained yet"
    classifier = TrainedQuestionClassifier(lambda: file.model, TITLES)
    assert classifier.asks("what is open") == []
    save_model(make_model(), tmp_path)
    assert (ModelFile(tmp_path).failure, ModelFile(tmp_path).model.version) == ("", "v1")
    assert not (tmp_path / "exploded").exists()


def test_large_arrays_stay_in_the_file_and_give_the_same_answers(good_file, monkeypatch):
    monkeypatch.setattr("knowledge.learning.array_file.MIN_MAPPED_BYTES", 0)
    mapped = load_model(good_file.parent)
    monkeypatch.undo()
    read = load_model(good_file.parent)
    for each, is_mapped in ((mapped, True), (read, False)):
        assert each.questions.asks.weights.flags.writeable is not is_mapped
        assert each.questions.asks.guesses("how many")[0].label == "count"
    np.testing.assert_array_equal(mapped.questions.asks.weights, read.questions.asks.weights)


def test_a_mapped_array_outlives_the_replacement_of_its_file(good_file, tmp_path, monkeypatch):
    monkeypatch.setattr("knowledge.learning.array_file.MIN_MAPPED_BYTES", 0)
    shutil.copy(good_file, tmp_path / FILE_NAME)
    model = load_model(tmp_path)
    before = model.questions.asks.weights.copy()
    save_model(replace(make_model(), version="v2"), tmp_path)
    np.testing.assert_array_equal(model.questions.asks.weights, before)


def test_a_flipped_bit_in_a_mapped_array_is_a_damage(good_file, tmp_path, monkeypatch):
    monkeypatch.setattr("knowledge.learning.array_file.MIN_MAPPED_BYTES", 0)
    content = bytearray(good_file.read_bytes())
    position = content.index(read_array(good_file, "questions.asks.weights").tobytes())
    content[position + 10] ^= 1
    (tmp_path / FILE_NAME).write_bytes(content)
    assert ModelFile(tmp_path).failure


def test_a_folder_in_the_place_of_the_file_is_set_aside_by_training(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    (tmp_path / FILE_NAME / "x").write_text("x")
    assert ModelFile(tmp_path).failure
    save_model(make_model(), tmp_path)
    assert ModelFile(tmp_path).model.version == "v1"
    assert (tmp_path / f"{FILE_NAME}.broken-1" / "x").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_the_bot_works_without_a_file_that_it_may_not_read(good_file, tmp_path):
    shutil.copy(good_file, tmp_path / FILE_NAME)
    (tmp_path / FILE_NAME).chmod(0)
    assert ModelFile(tmp_path).failure


@pytest.mark.parametrize("format_before", ["1", None])
def test_a_file_of_the_release_before_is_refused_until_training_writes_it_again(
    good_file, tmp_path, format_before
):
    array = None if format_before is None else np.array(format_before)
    (tmp_path / FILE_NAME).write_bytes(change_arrays(good_file, format=array))
    file = ModelFile(tmp_path)
    assert file.model is None
    assert "until training writes it again" in file.failure
    # No model is a reason to train.
    assert is_training_due(file.model, shelf=None, embedders=Embedders(WORDS, WORDS))
    save_model(make_model(), tmp_path)
    assert ModelFile(tmp_path).model.version == "v1"


def test_questions_are_read_as_before_by_a_model_from_the_file(good_file):
    before = make_model().questions
    after = load_model(good_file.parent).questions
    assert (after.version, after.names) == ("q1", ("wine",))
    for model in (before, after):
        classifier = TrainedQuestionClassifier(lambda model=model: model, TITLES)
        assert classifier.asks("how many")[0].label == "count"
        assert classifier.kinds("low wine")[0].label == "low_stock"


def test_a_file_from_before_questions_were_learned_is_read(good_file, tmp_path):
    with np.load(good_file) as arrays:
        names = [name for name in arrays if name.startswith("questions.")]
    (tmp_path / FILE_NAME).write_bytes(change_arrays(good_file, **dict.fromkeys(names)))
    model = load_model(tmp_path)
    assert (model.version, model.questions) == ("v1", None)


def test_recognition_has_the_limits_and_the_trade_of_its_training(tmp_path):
    examples = [
        TrainingExample(f"{words} number {number}", kind, {})
        for kind, words in (("low_stock", "merlot low"), ("late", "van late"), ("bill", "bill"))
        for number in range(8)
    ]
    recogniser = train_recogniser(examples, ("a parrot",), embedder=WORDS, version="v1")
    save_model(replace(make_model(), recogniser=recogniser), tmp_path)
    after = load_model(tmp_path).recogniser
    assert after.trade == recogniser.trade
    assert [kind.examples for kind in after.trade.kinds] == [8, 8, 8]
    assert after.trade.strangers > 0
    np.testing.assert_array_equal(after.limits.curve, recogniser.limits.curve)
    assert replace(after.limits, curve=None) == replace(recogniser.limits, curve=None)


def make_plan(kind, embedder, size):
    past = [
        precedent(f"EX-{number}", decision=decision(("house.a", "house.b")[number % 2]))
        for number in range(40)
    ]
    vectors = np.eye(40, size, dtype=np.float32)
    return train_plan_model(kind, past, vectors, embedder=embedder)


def save_plans(folder, *plans):
    save_model(replace(make_model(), plans={plan.kind: plan for plan in plans}), folder)


def test_each_plan_keeps_the_embedder_that_it_was_trained_with(tmp_path):
    table_plan = make_plan("low_stock", WORDS.identity, size=4)
    model_plan = make_plan("late", "model", size=6)
    save_plans(tmp_path, table_plan, model_plan)
    plans = load_model(tmp_path).plans
    assert {kind: plan.embedder for kind, plan in plans.items()} == {
        "low_stock": WORDS.identity,
        "late": "model",
    }
    for plan in (table_plan, model_plan):
        vector = np.ones(plan.linear_model.vector_size, np.float32)
        margins = plan.margins("Merlot is low", {}, vector)
        assert plans[plan.kind].margins("Merlot is low", {}, vector) == margins


@pytest.fixture(scope="module")
def rich_plan():
    """Make a plan with all parts: accounts with habits, stories, a curve and promises."""
    dice = np.random.default_rng(3)
    past, vectors = make_stream(dice, count=1_000, noise=0.05, accounts=30)
    return train_plan_model("low_stock", past, vectors, embedder=WORDS.identity)


def test_a_plan_answers_from_the_file_as_before(tmp_path, rich_plan):
    assert rich_plan.accounts
    assert rich_plan.answer_curve
    assert rich_plan.guarantees
    save_plans(tmp_path, rich_plan)
    after = load_model(tmp_path).plans["low_stock"]
    past, vectors = make_stream(np.random.default_rng(4), count=50, accounts=30)
    for one, vector in zip(past, vectors, strict=True):
        estimate = rich_plan.estimate(one.signal_text, one.facts, vector)
        assert after.estimate(one.signal_text, one.facts, vector) == estimate


@pytest.mark.parametrize(
    ("array", "value"),
    [
        ("shares.bias", np.zeros(9)),
        ("words.labels", np.array(["one", "two", "three"])),
        ("words.weights", np.zeros((4, 3), np.float32)),
        ("past.stories", np.zeros((3, 4), np.float32)),
        ("past.bounds", np.array([np.nan, 0.5])),
        ("accounts.residuals", np.zeros((1, 2))),
        ("answers.labels", np.zeros((2, 7))),
        ("answers.signs", np.full((3, 10), np.inf)),
        ("promises", np.full((1, 5), np.nan)),
        ("embedder", None),
    ],
)
def test_a_plan_whose_parts_do_not_fit_is_a_damage(tmp_path, rich_plan, array, value):
    save_plans(tmp_path, rich_plan)
    file = tmp_path / FILE_NAME
    file.write_bytes(change_arrays(file, **{f"plan.low_stock.{array}": value}))
    assert "what was learned cannot be read" in ModelFile(tmp_path).failure


def test_plans_of_one_embedder_over_different_vectors_are_a_damage(tmp_path):
    save_plans(tmp_path, make_plan("low_stock", "model", size=4), make_plan("late", "model", 6))
    assert "what was learned cannot be read" in ModelFile(tmp_path).failure
