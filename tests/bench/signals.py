"""Ten thousand real titles for signals, unique or repeating, and the signals made of them.

Unique: what people wrote to a bank and to an assistant (BANKING77, CLINC150). Repeating: incidents
of a service desk in the order in which they came (category, subcategory, symptom), so that titles
repeat as they really do. Without those data sets titles are generated.
"""

import csv
import gzip
import itertools
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.demo.company import SUPPLIERS, WINES
from tests.bench import sample

DATA = Path(__file__).parents[3] / "shared" / "data"
COUNT = 10_000
MAX_TITLE = 200
SEED = 5
STOCK_WORDS = ("is running low", "is short", "below what is booked", "delivery came short of")


class Titles:
    """Titles in an order, begun again at the end, and a sentence that says where they are from."""

    def __init__(self, texts: Sequence[str], origin: str) -> None:
        self.origin = origin
        #: How many were taken.
        self.count = 0
        self._texts = itertools.cycle(texts)

    def take(self, count: int) -> list[str]:
        """Return the next so many."""
        self.count += count
        return list(itertools.islice(self._texts, count))


def unique_titles(count: int = COUNT) -> Titles:
    """Return titles of which no two are the same."""
    sets = (DATA / "banking77" / "dev.jsonl.gz", DATA / "clinc150" / "data_dev.json.gz")
    if not all(path.exists() for path in sets):
        texts = [f"{title} {number}" for number, title in enumerate(_generate(count))]
        return Titles(texts, "generated")
    everything = itertools.chain(_banking(sets[0]), _clinc(sets[1]))
    titles = (text[:MAX_TITLE].strip() for text in everything)
    # The sets have empty lines, which are no title.
    different = list(dict.fromkeys(title for title in titles if title))
    random.Random(SEED).shuffle(different)
    return Titles(different[:count], "sentences of BANKING77 and CLINC150")


def repeating_titles(count: int = COUNT) -> Titles:
    """Return titles that repeat as those of a service desk do."""
    path = DATA / "servicenow_incidents" / "dev.csv.gz"
    if not path.exists():
        return Titles(list(_generate(count)), "generated")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(itertools.islice(csv.DictReader(file), count))
    texts = [_incident_title(row) for row in rows]
    return Titles(texts, f"service desk incidents, {len(set(texts)):,} different titles")


def make_signals(
    titles: Titles, prefix: str, count: int, *, channels: int = 1
) -> list[dict[str, Any]]:
    """Return so many signals, each about a product of its own."""
    first = sample.FIRST_PRODUCT + titles.count
    return [
        {
            "key": f"{prefix}-{number}",
            "kind": sample.kind_of(number % channels + 1),
            "subject": f"product:{first + number}:{prefix}",
            "title": title,
            "facts": {"product_id": first + number},
        }
        for number, title in enumerate(titles.take(count))
    ]


def _banking(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


def _clinc(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for rows in json.load(file).values():
            for text, _label in rows:
                yield text


def _incident_title(row: dict[str, str]) -> str:
    return f"Category {row['category']}, {row['subcategory']}: symptom {row['u_symptom']}"


def _generate(count: int) -> Iterator[str]:
    dice = random.Random(SEED)
    for _ in range(count):
        yield f"{dice.choice(WINES)} {dice.choice(STOCK_WORDS)} {dice.choice(SUPPLIERS)}"
