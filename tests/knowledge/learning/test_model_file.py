"""A damaged model file or index: the bot runs without it, says so once, and training or a rebuild puts it right."""

import io
import os
import pickle
import shutil
import zipfile

import numpy as np
import pytest
from sqlalchemy.exc import OperationalError

from bot.cases.errors import MemoryUnavailable
from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.model_file import ModelFile
from knowledge.learning.recogniser import TrainedRecogniser, train_recogniser
from knowledge.learning.training import (
    FILE_NAME,
    TrainedModel,
    load_model,
    save_model,
    training_lock,
)
from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.vector_index import VectorIndex
from tests.fakes.clock import NOON

pytestmark = pytest.mark.threat("D5")
TITLES = {"low_stock": "Low", "late": "Late"}


def model():
    texts = {
        "low_stock": ("the merlot is low", "gin is running low"),
        "late": ("the van is late", "late delivery"),
    }
    examples = [TrainingExample(text, kind, {}) for kind, told in texts.items() for text in told]
    words = HashedWordsEmbedder()
    return TrainedModel("v1", 4, words.identity, train_recogniser(examples, (), words, "v1"), {})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    save_model(model(), folder)
    return folder / FILE_NAME


class Bomb:
    """Whoever unpickles it makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


def changed(whole, **arrays):
    """The same file with these arrays in the place of its own."""
    with np.load(whole) as found:
        given = {**found, **arrays}
    packed = io.BytesIO()
    np.savez(packed, **{name: array for name, array in given.items() if array is not None})
    return packed.getvalue()


def pickled(whole):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in set(zipfile.ZipFile(whole).namelist()) - {"version.npy"}:
            archive.writestr(name, zipfile.ZipFile(whole).read(name))
        archive.writestr("extra.npy", pickle.dumps(Bomb()))
        header = (
            np.lib.format.magic(1, 0)
            + b"v\0"
            + b"{'descr':'|O','fortran_order':False,'shape':(1,)}".ljust(117)
            + b"\n"
        )
        archive.writestr("version.npy", header + pickle.dumps(Bomb()))
    return packed.getvalue()


def vast(whole):
    """A few kilobytes that unpack to more than the most."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("version.npy", "w") as member,
    ):
        for _ in range(6):
            member.write(bytes(1_000_000))
    return packed.getvalue()


def of(whole, name):
    with np.load(whole) as arrays:
        return arrays[name]


FORMS = {
    "empty": lambda whole: b"",
    "truncated": lambda whole: whole.read_bytes()[: whole.stat().st_size // 2],
    "truncated in its directory": lambda whole: whole.read_bytes()[:-30],
    "random": lambda whole: os.urandom(5_000),
    "bytes turned": lambda whole: bytes(
        byte ^ (255 * (5_000 < at < 5_020)) for at, byte in enumerate(whole.read_bytes())
    ),
    "a bare pickle": lambda whole: pickle.dumps(Bomb()),
    "a pickle inside": pickled,
    "vast": vast,
    "another format": lambda whole: changed(whole, format=np.array("0")),
    "nothing in it": lambda whole: changed(whole, version=None),
    "no numbers": lambda whole: changed(
        whole, **{"recogniser.weights": of(whole, "recogniser.weights") * np.nan}
    ),
    "other weights": lambda whole: changed(
        whole, **{"recogniser.weights": np.zeros((3, 3), np.float32)}
    ),
    "other classes": lambda whole: changed(
        whole, **{"recogniser.labels": np.array(["a", "b", "c"])}
    ),
    "one class": lambda whole: changed(whole, **{"recogniser.labels": np.array(["late"])}),
    "no known": lambda whole: changed(
        whole, **{"recogniser.known": np.zeros((0, 384), np.float16)}
    ),
    "a known of words": lambda whole: changed(whole, **{"recogniser.known": np.array(["x"])}),
    "another curve": lambda whole: changed(whole, **{"recogniser.curve": np.zeros(9)}),
    "places in disorder": lambda whole: changed(
        whole, **{"recogniser.places": of(whole, "recogniser.places")[::-1]}
    ),
    "plans without parts": lambda whole: changed(whole, plans=np.array(["low_stock"])),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_model_is_done_without_and_said_once_until_training_replaces_it(
    whole, tmp_path, form, caplog, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("knowledge.learning.training.MAX_BYTES", 5_000_000)
    (tmp_path / FILE_NAME).write_bytes(FORMS[form](whole))
    learned = ModelFile(tmp_path)
    for _ in range(3):
        assert learned.model is None
        assert "what was learned cannot be read" in learned.failure
    assert [record.getMessage() for record in caplog.records] == [learned.failure]
    asked = TrainedRecogniser(
        lambda: learned.model.recogniser if learned.model else None, HashedWordsEmbedder(), TITLES
    )
    assert asked.recognise("the merlot is low").basis == "recognition has not been trained yet"
    save_model(model(), tmp_path)
    assert (ModelFile(tmp_path).failure, ModelFile(tmp_path).model.version) == ("", "v1")
    assert not (tmp_path / "exploded").exists()


def test_a_folder_in_the_place_of_the_file_is_set_aside_by_training(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    (tmp_path / FILE_NAME / "x").write_text("x")
    assert ModelFile(tmp_path).failure
    save_model(model(), tmp_path)
    assert ModelFile(tmp_path).model.version == "v1"
    assert (tmp_path / f"{FILE_NAME}.broken-1" / "x").read_text() == "x"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_done_without(whole, tmp_path):
    shutil.copy(whole, tmp_path / FILE_NAME)
    (tmp_path / FILE_NAME).chmod(0)
    assert ModelFile(tmp_path).failure


def test_a_file_of_the_release_before_is_read(whole, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(changed(whole, format=None))
    assert load_model(tmp_path).version == "v1"


def test_a_model_over_other_vectors_or_for_other_kinds_names_nothing(whole):
    found = load_model(whole.parent).recogniser

    class Narrow(HashedWordsEmbedder):
        def embed(self, texts):
            return super().embed(texts)[:, :100]

    assert (
        "other vectors"
        in TrainedRecogniser(lambda: found, Narrow(), TITLES).recognise("merlot").basis
    )
    told = TrainedRecogniser(lambda: found, HashedWordsEmbedder(), {"fraud": "Fraud"}).recognise(
        "the merlot is low"
    )
    assert (told.kind, told.guesses) == ("", ())


def test_two_trainings_do_not_run_over_one_memory(tmp_path):
    with (
        training_lock(tmp_path),
        pytest.raises(MemoryUnavailable, match="another training"),
        training_lock(tmp_path),
    ):
        pass
    with training_lock(tmp_path):
        pass


# --- the index -------------------------------------------------------------------------------------------------------


def spoil(folder, form):
    """Do this to the files of an index that no process has open."""
    from chromadb.api.shared_system_client import SharedSystemClient

    SharedSystemClient.clear_system_cache()
    chroma = folder / "chroma"
    database = chroma / "chroma.sqlite3"
    if form == "random":
        database.write_bytes(os.urandom(20_000))
    elif form == "truncated":
        database.write_bytes(database.read_bytes()[:3_000])
    elif form == "a folder for its database":
        database.unlink()
        database.mkdir()
    elif form == "a file for its folder":
        shutil.rmtree(chroma)
        chroma.write_text("x")
    elif form == "a folder for its lock":
        (folder / "owner.lock").unlink(missing_ok=True)
        (folder / "owner.lock").mkdir()
    else:
        shutil.rmtree(folder)
        folder.write_text("x")


SPOILT = (
    "random",
    "truncated",
    "a folder for its database",
    "a file for its folder",
    "a folder for its lock",
    "a file",
)


@pytest.mark.parametrize("form", SPOILT)
def test_a_damaged_index_is_one_answer_with_a_reason_and_never_a_crash(small_world, tmp_path, form):
    world, words, folder = small_world, HashedWordsEmbedder(), tmp_path / "memory"
    world.approve(world.proposed())
    world.work()

    def remembering():
        return PrecedentMemory(
            world.shelf, words, VectorIndex(folder, "", words.identity), answer_timeout=20
        )

    first = remembering()
    first.open()
    assert first.recall("merlot", "low_stock", "C0STOCK", NOON).failure == ""
    first.close()
    spoil(folder, form)
    damaged = remembering()
    damaged.open()
    try:
        assert damaged.recall("merlot", "low_stock", "C0STOCK", NOON).failure
        assert damaged.related("merlot", {"C0STOCK"}, NOON) == []
        with pytest.raises(MemoryUnavailable):
            damaged.catch_up()
        if "folder for its lock" not in form and form != "a file":
            assert damaged.rebuild(lambda done: None) == 1
    finally:
        damaged.close()


def test_a_database_that_is_away_when_memory_opens_ends_no_thread(small_world, tmp_path):
    class Away:
        def missing(self):
            raise OperationalError("SELECT", {}, OSError("away"))

    words = HashedWordsEmbedder()
    memory = PrecedentMemory(Away(), words, VectorIndex(tmp_path / "memory", "", words.identity))
    memory.open()
    try:
        assert "from the database" in memory.recall("merlot", "low_stock", "C0STOCK", NOON).failure
    finally:
        memory.close()
