"""The quality and the cost of recognition and recommendation: ``make bench-knowledge``.

Beside them in the same run: a majority vote and a tf-idf model. Every number is measured on a part
that training, calibration and thresholds never saw. ``ARGS="clinc150 cost"`` runs some parts;
``ARGS="retail --precedents model"`` finds precedents by another embedder; ``ARGS="cfpb --data
FOLDER"`` measures other files of the same names. A line of JSON for each row of figures, and with
``--table``, or on a terminal, a table of all.
"""

import argparse
import sys
import time
from pathlib import Path

from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.minilm import MiniLM
from knowledge.memory.token_table import TokenTable
from tests.bench.knowledge.complaints import cfpb
from tests.bench.knowledge.cost import cost
from tests.bench.knowledge.figures import DATA, REPORTED_ROWS, report
from tests.bench.knowledge.live import live
from tests.bench.knowledge.recognition import banking77, clinc150
from tests.bench.knowledge.retail import retail
from tests.bench.knowledge.retrieval import neighbours, runbooks
from tests.bench.knowledge.shipped import (
    INT8_TOLERANCE,
    processor,
    product_version,
    shipped_constants,
)
from tests.bench.knowledge.tables import make_table
from tests.bench.knowledge.tickets import servicenow
from tests.bench.knowledge.tuning import TUNED_ON

RECOGNITION_PARTS = {part.__name__: part for part in (clinc150, banking77)}

PRECEDENT_PARTS = {
    part.__name__: part for part in (neighbours, cfpb, servicenow, live, retail, runbooks, cost)
}

PARTS = (*RECOGNITION_PARTS, *PRECEDENT_PARTS)

PRECEDENT_EMBEDDERS = {"table": TokenTable, "model": MiniLM, "words": HashedWordsEmbedder}


def main(arguments):
    options = parse_options(arguments)
    if options.data:
        DATA.move(options.data)
    if not DATA.exists():
        print("the shared data is not here: nothing to measure")
        return
    REPORTED_ROWS.clear()
    report_shipped()
    embedder = PRECEDENT_EMBEDDERS[options.precedents]()
    for name in options.parts or PARTS:
        start = time.monotonic()
        print(f"# {name}: begins", file=sys.stderr, flush=True)
        measure_part(name, embedder)
        print(f"# {name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    if options.table or sys.stdout.isatty():
        print(f"\n{make_table(REPORTED_ROWS)}")


def parse_options(arguments):
    parser = argparse.ArgumentParser(prog="make bench-knowledge", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join((*PARTS, "quick")))
    parser.add_argument("--precedents", choices=PRECEDENT_EMBEDDERS, default="table")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=f"default: {DATA.folder}")
    parser.add_argument("--table", action="store_true", help="a table of all figures at the end")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - {*PARTS, "quick"}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def report_shipped():
    """Say what the figures belong to, as the product has it."""
    model, flags = processor()
    report("version as shipped", version=product_version(), caps=shipped_constants())
    report(
        "processor",
        model=model,
        int8_instructions=" ".join(flags),
        tolerance_of_figures=INT8_TOLERANCE,
    )


def measure_part(name, embedder):
    """Measure a part, or say which of its files is not here."""
    if name in TUNED_ON:
        report(f"{name}, tuned on", text=TUNED_ON[name])
    try:
        if name == "quick":
            measure_part("runbooks", embedder)
            cost(embedder, sizes=(1_000,))
        elif name in RECOGNITION_PARTS:
            RECOGNITION_PARTS[name](MiniLM())
        else:
            PRECEDENT_PARTS[name](embedder)
    except FileNotFoundError as failure:
        missing = Path(failure.filename or "")
        if not missing.is_relative_to(DATA.folder):
            raise
        report(f"{name}, skipped", text=f"{missing.relative_to(DATA.folder)} is not here")


if __name__ == "__main__":
    main(sys.argv[1:])
