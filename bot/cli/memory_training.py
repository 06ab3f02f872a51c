"""``countersign memory``: rebuild and train.

Apart from the other commands of memory, because training imports scikit-learn, which takes seconds.
"""

import os
from functools import partial
from typing import Annotated, Any

import typer
from rich.progress import Progress

from bot.advisors import Knowledge
from bot.cases.errors import MemoryUnavailable
from bot.cli.memory import opened_knowledge
from bot.cli.shutdown import exit_with_parent
from bot.cli.terminal import AsJson, err, out, print_json
from bot.settings import load_offline
from knowledge.learning.model_file import save_model
from knowledge.learning.training import train_models, training_lock
from knowledge.learning.training_set import gather_training_set

#: Training leaves the processor to whoever else wants it.
TRAINING_NICENESS = 10
#: The bot's own training may run beside its cards, when the desk is never idle.
ATTACHED_NICENESS = 19


def rebuild(as_json: AsJson = False) -> None:
    with (
        opened_knowledge(load_offline()) as knowledge,
        Progress(console=err, transient=True) as progress,
    ):
        task = progress.add_task("Reading the ledger", total=None)
        # The ledger first: the index is made from what is stored of it.
        cases = sum(count for count, _ in knowledge.shelf.rebuild())
        total = knowledge.shelf.count()
        progress.update(
            task,
            description="Embedding",
            total=total,
            completed=0,
        )
        index_size = knowledge.precedents.rebuild(partial(progress.advance, task))
        progress.update(task, description="Training", total=None)
        _train(knowledge)
    if as_json:
        print_json({"cases": cases, "precedents": total, "indexed": index_size})
        return
    out.print(
        f"{cases} cases read, {total} precedents stored, {index_size} of them in the index.",
        markup=False,
    )


def train(
    as_json: AsJson = False,
    is_attached: Annotated[
        bool,
        typer.Option(
            "--attached", hidden=True, help="End when standard input does; as the bot starts it."
        ),
    ] = False,
) -> None:
    if is_attached:
        # The bot holds the other end of standard input, also when it is killed.
        exit_with_parent()
    os.nice(ATTACHED_NICENESS if is_attached else TRAINING_NICENESS)
    with opened_knowledge(load_offline()) as knowledge:
        try:
            summary = _train(knowledge)
        except MemoryUnavailable:
            if not is_attached:
                raise
            # Another training is under way already, and its result is read by every process.
            return
    if as_json:
        print_json(summary)
        return
    examples = f"{summary['examples']} examples of {summary['kinds']} kinds"
    plans = summary["plans"] or "none"
    out.print(f"Model version {summary['version']}: {examples}; plans for: {plans}.", markup=False)


def _train(knowledge: Knowledge) -> dict[str, Any]:
    """Train and save the models. Return figures for ``--json``."""
    playbooks = knowledge.library.playbooks
    with training_lock(knowledge.folder):
        training_set = gather_training_set(
            shelf=knowledge.shelf,
            playbooks=playbooks,
            embedders=knowledge.embedders,
            questions=knowledge.library.questions(),
        )
        last_model = knowledge.model_file.model
        model = train_models(training_set, knowledge.embedders, last_model)
        save_model(model, knowledge.folder)
    examples = 0
    kinds = 0
    if model.recogniser:
        examples = model.recogniser.example_count
        kinds = len(model.recogniser.linear_model.labels)
    return {
        "version": model.version,
        "examples": examples,
        "kinds": kinds,
        "plans": ", ".join(sorted(model.plans)),
    }
