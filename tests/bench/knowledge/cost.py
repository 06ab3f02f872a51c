"""The cost of a case: recall, recommendation, recognition."""

import contextlib
import gzip
import itertools
import json
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import psutil
from threadpoolctl import threadpool_limits

from bot.cases.precedent import CaseOutcome, Precedent, PrecedentDecision, signal_text
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.precedents import SqlPrecedentStore
from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.recogniser_training import train_recogniser
from knowledge.memory.embedder import CachingEmbedder
from knowledge.memory.precedent_memory import PrecedentMemory
from knowledge.memory.token_table import TokenTable
from knowledge.memory.vector_index import VectorIndex
from tests.bench.knowledge.added_memory import DATABASE, INDEX, measure_added_memory
from tests.bench.knowledge.figures import CHANNEL, DATA, EPOCH, report
from tests.bench.knowledge.making import make_case, make_offer, make_recommender, prepare_action
from tests.world import playbook

KINDS = [f"kind_{number}" for number in range(20)]

WARM_UP_CASES = 20

CASES = 200


def cost(embedder, model, sizes=(1_000, 10_000, 100_000)):
    """Measure one case at a time on one core, in milliseconds of the processor and of the clock.

    Each part alone and all together: embed and recognise a signal whose source names no kind,
    recall its precedents, recommend. Titles are unique, so that no cache answers. Beside it: how
    many of the true ten nearest the index finds, how long the index takes to open from its mirror,
    and the memory that fresh processes gain.
    """
    with gzip.open(DATA / "clinc150/data_dev.json.gz", "rt") as file:
        titles = [text for text, _ in json.load(file)["train"][:3000]]
    embedder = CachingEmbedder(embedder)
    recogniser = train_bench_recogniser(model, titles)
    with tempfile.TemporaryDirectory() as folder, on_one_core():
        database = Database(f"sqlite:///{folder}/{DATABASE}")
        migrate(database)
        shelf = SqlPrecedentStore(database)
        filled = 0
        for size in sizes:
            # The larger store grows out of the smaller one: nothing is embedded twice.
            fill_shelf(shelf, titles, filled, size)
            filled = size
            measure_size(Path(folder), shelf, embedder, recogniser, titles=titles, size=size)
        database.close()


def measure_size(folder, shelf, embedder, recogniser, *, titles, size):
    """Fill memory, open it again as a bot does, and measure its cases."""
    start = time.monotonic()
    open_memory(folder, shelf, embedder).close()
    fill_seconds = time.monotonic() - start
    start = time.monotonic()
    memory = open_memory(folder, shelf, embedder)
    open_seconds = time.monotonic() - start
    durations = time_cases(memory, embedder, recogniser, titles=titles, size=size)
    for part, (cpu, clock) in durations.items():
        report(
            f"cost at {size:,} precedents, {part}",
            p50_cpu_ms=statistics.median(cpu),
            p99_cpu_ms=sorted(cpu)[int(len(cpu) * 0.99)],
            p50_clock_ms=statistics.median(clock),
            p99_clock_ms=sorted(clock)[int(len(clock) * 0.99)],
        )
    report(
        f"cost at {size:,} precedents",
        recall_at_10=recall_at_10(memory, embedder, titles),
        opened_in_s=round(open_seconds, 2),
        filled_in_s=round(fill_seconds, 1),
    )
    memory.close()
    if embedder.identity == TokenTable.identity:
        report_added_memory(folder, size)


def report_added_memory(folder, size):
    """Report the memory of fresh processes: with a helper, and without."""
    shipped = measure_added_memory(folder, "helper")
    report(
        f"cost at {size:,} precedents, memory",
        deciding_process_adds_mb=shipped["added_mb"],
        helper_of_all_bots_mb=shipped["helper_mb"],
        one_process_with_all_adds_mb=measure_added_memory(folder, "own")["added_mb"],
    )


@contextlib.contextmanager
def on_one_core():
    """Run on one core of the machine, and compute in one thread as the program does."""
    cores = os.sched_getaffinity(0)
    pin_threads({min(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        pin_threads(cores)


def pin_threads(cores):
    for thread in psutil.Process().threads():
        os.sched_setaffinity(thread.id, cores)


def open_memory(folder, shelf, embedder):
    vectors = VectorIndex(folder / INDEX, "", embedder.identity)
    memory = PrecedentMemory(shelf, embedder, vectors, answer_timeout=30)
    memory.open()
    return memory


def train_bench_recogniser(model_embedder, titles):
    examples = [TrainingExample(text, KINDS[number % 20], {}) for number, text in enumerate(titles)]
    model = train_recogniser(examples, (), model_embedder, "bench", folds=2)
    return TrainedRecogniser(
        lambda: model, CachingEmbedder(model_embedder), dict.fromkeys(KINDS, "x")
    )


def fill_shelf(shelf, titles, filled, size):
    precedents = (
        Precedent(
            id=f"EX-{number}.1",
            kind=KINDS[number % 20],
            signal_text=f"{titles[number % 3000]} {number}",
            summary="",
            facts={},
            decision=PrecedentDecision(action="house.a", people=("Ana",)),
            outcome=CaseOutcome.WORKED,
            reason="",
            ended_at=EPOCH,
            channel=CHANNEL,
        )
        for number in range(filled, size)
    )
    while page := list(itertools.islice(precedents, 2000)):
        shelf.save(page)


def time_cases(memory, embedder, recogniser, titles, size):
    """Return the milliseconds of each part, of the processor and of the clock.

    The first cases are left out. Later parts find in the cache what earlier ones embedded, as in a
    bot; the sum of a case is measured, not added up.
    """
    recommender = make_recommender(memory, None, embedder)
    book = playbook(kind="kind_3", offers=(make_offer("house.a"), make_offer("house.b")))
    durations = {name: ([], []) for name in ("embed", "recognise", "recall", "recommend", "case")}
    for number in range(WARM_UP_CASES + CASES):
        title = f"{titles[(number * 7) % 3000]} case {number} of {size}"
        case = make_case("kind_3", title)
        parts = {
            "embed": partial(recogniser._embedder.embed, [title]),
            "recognise": partial(recogniser.recognise, title),
            "recall": partial(
                memory.recall,
                signal_text=signal_text(case.signal),
                kind="kind_3",
                channel=CHANNEL,
                now=EPOCH,
            ),
            "recommend": partial(recommender.recommend, case, book, (), prepare=prepare_action),
        }
        for name, run in parts.items():
            add_duration(durations[name], run)
        other_title = f"{title} again"
        other_case = make_case("kind_3", other_title)

        def run_case(title=other_title, case=other_case):
            recogniser.recognise(title)
            recommender.recommend(case, book, (), prepare=prepare_action)

        add_duration(durations["case"], run_case)
    return {
        name: (cpu[WARM_UP_CASES:], clock[WARM_UP_CASES:])
        for name, (cpu, clock) in durations.items()
    }


def add_duration(durations, run):
    cpu, clock = durations
    start = time.process_time(), time.perf_counter()
    run()
    cpu.append(1000 * (time.process_time() - start[0]))
    clock.append(1000 * (time.perf_counter() - start[1]))


def recall_at_10(memory, embedder, titles):
    """Compare with an exact search over the vectors of the index."""
    memory.index.vectors.open()
    rows = memory.index.vectors._collection.get(include=["embeddings"])
    ids = np.array(rows["ids"])
    vectors = np.asarray(rows["embeddings"], np.float32)
    recalls = []
    for text in titles[:50]:
        vector = embedder.embed([text])[0]
        exact = set(ids[np.argpartition(-(vectors @ vector), 10)[:10]])
        nearest = {name for name, _ in memory.index.vectors.find_nearest(vector, 50)[:10]}
        recalls.append(len(exact & nearest) / 10)
    return float(np.mean(recalls))
