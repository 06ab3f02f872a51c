"""The training on the past: ``python -m bot.demo.training FOLDER``.

It has a process of its own.

The models of questions need no case: they are trained while the past is played, on another
processor. The others follow when a byte on standard input says that its precedents are stored.
"""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

from bot import storage
from bot.advisors import open_knowledge
from bot.cases.errors import CountersignError, MemoryUnavailable
from bot.clock import utc_now
from bot.demo.environment import sample_settings
from bot.preflight import open_library
from bot.settings import Settings
from knowledge.learning.model_file import TrainedModel, load_model, save_model
from knowledge.learning.question_examples import gather_questions
from knowledge.learning.question_model import QuestionModel
from knowledge.learning.training_set import gather_training_set
from knowledge.library import FileLibrary


class SampleTraining:
    """The training process of one folder, which ends with this one."""

    def __init__(self, folder: Path) -> None:
        """Begin with the models of questions."""
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", __name__, str(folder)],
            stdin=subprocess.PIPE,
            bufsize=0,
        )

    def learn_from_precedents(self) -> None:
        """Let it train the other models: the precedents are stored."""
        if self._process.stdin:
            # One that has ended is noticed when it is waited for.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(b"\n")

    def wait(self) -> None:
        """Return when the models are saved.

        Raises:
            CountersignError: the training failed, and has printed why.
        """
        if self._process.wait() != 0:
            raise CountersignError("the sample company's models could not be trained")

    def close(self) -> None:
        """End the process, if it still runs."""
        self._process.terminate()
        self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


def _train(folder: Path, are_precedents_stored: threading.Event) -> None:
    settings = sample_settings(folder, "")
    library = open_library(settings)
    last_model = _with_question_model(folder / "memory", library)
    are_precedents_stored.wait()
    train_on_precedents(settings, library, last_model)


def _with_question_model(folder: Path, library: FileLibrary) -> TrainedModel:
    """Return the last model, or one with a new question model.

    The last one is still right while its examples of questions are those of today.
    """
    questions = gather_questions(library.questions(), library.playbooks)
    with contextlib.suppress(MemoryUnavailable):
        last_model = load_model(folder)
        if last_model and _version(last_model.questions) == questions.version:
            return last_model
    # Only who trains imports scikit-learn, which takes most of a second.
    from knowledge.learning.question_training import train_question_model

    return TrainedModel(
        version="",
        memory_size=0,
        memory_place=0,
        embedder="",
        recogniser=None,
        plans={},
        questions=train_question_model(questions),
    )


def _version(model: QuestionModel | None) -> str:
    return model.version if model else ""


def train_on_precedents(
    settings: Settings, library: FileLibrary, last_model: TrainedModel | None = None
) -> None:
    """Train on the stored precedents, and save the models.

    Those of questions are taken from ``last_model`` if its examples are the same.
    """
    from knowledge.learning.training import train_models

    store = storage.open_store(settings)
    with contextlib.closing(store.database):
        knowledge = open_knowledge(
            settings=settings,
            store=store,
            library=library,
            clock=utc_now,
        )
        training_set = gather_training_set(
            shelf=knowledge.shelf,
            playbooks=library.playbooks,
            embedders=knowledge.embedders,
            questions=library.questions(),
        )
        model = train_models(training_set, knowledge.embedders, last_model)
        save_model(model, knowledge.folder)


def _follow_parent(are_precedents_stored: threading.Event) -> None:
    # The bare descriptor: a thread inside a buffered reader keeps an interpreter from ending.
    while os.read(0, 1):
        are_precedents_stored.set()
    os._exit(1)


def main() -> None:
    """Train in the folder of the arguments."""
    are_precedents_stored = threading.Event()
    threading.Thread(
        target=_follow_parent,
        args=[are_precedents_stored],
        name="parent",
        daemon=True,
    ).start()
    _train(Path(sys.argv[1]), are_precedents_stored)


if __name__ == "__main__":
    main()
