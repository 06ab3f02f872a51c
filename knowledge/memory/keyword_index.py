"""The keyword index: Tantivy's BM25, in files beside the mirror.

It finds what vectors blur: names, numbers and part codes. A long text is several documents under
one key, and the best of them counts. It is filled from the stored precedents, and keeps up to which
change. Any process of a folder may write it, one at a time; the others read.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import tantivy
from filelock import FileLock, Timeout

from knowledge.memory.keywords import distinct_keywords, find_keywords
from knowledge.memory.pieces import split_pieces

# 2: stems, parts of names, and pieces of long texts.
FORMAT = 2
MAX_QUERY_WORDS = 40
# Of texts in pieces so many times the documents are fetched.
MORE_DOCUMENTS = 4
MAX_WORD_QUERIES = 4_096
MAX_FILTER_QUERIES = 256
# The least that Tantivy takes.
HEAP_BYTES = 15_000_000
POSITION_FILE = "position.json"


class KeywordEntry(NamedTuple):
    """A text under its key, with what searches are narrowed by."""

    key: int
    kind: str
    channel: str
    text: str


class KeywordIndex:
    """Texts by key, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder.with_suffix(".lock"))
        self._index: Any = None
        self._open_state = (0, 0)

    def open(self) -> None:
        """Open the index, or create an empty one.

        One that is damaged or of another format is made again: everything in it can be added again.
        """
        self._folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._folder.exists():
            self.clear()
            return
        try:
            self._index = self._open()
        except (OSError, ValueError):
            self.clear()

    def clear(self) -> None:
        """Remove everything from it."""
        self._index = None
        if self._folder.is_dir():
            shutil.rmtree(self._folder)
        self._folder.unlink(missing_ok=True)
        self._folder.mkdir(parents=True, mode=0o700)
        self._index = self._open()

    @property
    def position(self) -> int:
        """Return the place of the last change that it holds."""
        try:
            fields = json.loads((self._folder / POSITION_FILE).read_text())
        except (OSError, ValueError):
            return 0
        is_ours = isinstance(fields, dict) and fields.get("format") == FORMAT
        return int(fields["position"]) if is_ours else 0

    def update(
        self,
        entries: Iterable[KeywordEntry],
        removed_keys: Sequence[int],
        position: int,
    ) -> None:
        """Replace and remove texts.

        Nothing happens while another process writes: it takes in the same changes.
        """
        with self._writer() as writer:
            if writer is None:
                return
            for entry in entries:
                writer.delete_documents_by_query(self._key_query(entry.key))
                for piece in split_pieces(entry.text):
                    writer.add_document(_document(entry, piece))
            for key in removed_keys:
                writer.delete_documents_by_query(self._key_query(key))
            writer.commit()
            self._write_position(position)
            writer.wait_merging_threads()
        self.refresh()

    def refresh(self) -> None:
        """Read what this or another process has written since, or made again."""
        state = self._state()
        if state != self._open_state:
            self._index = self._open()
            self._open_state = state

    def search(
        self,
        text: str,
        limit: int,
        kind: str,
        channels: Collection[str],
    ) -> list[tuple[int, float]]:
        """Find keys with their BM25 scores, best first; empty kind: any."""
        words = distinct_keywords(text)[:MAX_QUERY_WORDS]
        if not words or not channels or self._index is None:
            return []
        any_word = tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, _word_query(word)) for word in words]
        )
        clauses = [
            (tantivy.Occur.Must, any_word),
            (tantivy.Occur.Must, _filter_query("channel", frozenset(channels))),
        ]
        if kind:
            clauses.append((tantivy.Occur.Must, _filter_query("kind", frozenset({kind}))))
        return self._find_best(tantivy.Query.boolean_query(clauses), limit)

    def _find_best(self, query: tantivy.Query, limit: int) -> list[tuple[int, float]]:
        """Find keys by the best of their documents."""
        searcher = self._index.searcher()
        document_limit = limit
        while True:
            hits = searcher.search(query, document_limit, count=False).hits
            # Unlike the stored fields of a document, these are read without unpacking.
            keys = searcher.fast_field_values("key", [address for _, address in hits])
            best: dict[int, float] = {}
            for key, (score, _) in zip(keys, hits, strict=True):
                best.setdefault(key, score)
            if len(best) >= limit or len(hits) < document_limit:
                return list(best.items())[:limit]
            # Pieces of the same texts took the places of others.
            document_limit *= MORE_DOCUMENTS

    def _state(self) -> tuple[int, int]:
        """Return what differs after every change."""
        return self._folder.stat().st_ino, self.position

    def _open(self) -> tantivy.Index:
        index = tantivy.Index(_SCHEMA, str(self._folder))
        # Otherwise a thread of its own looks at the files twice a second.
        index.config_reader("manual")
        index.reload()
        return index

    @contextlib.contextmanager
    def _writer(self) -> Iterator[tantivy.IndexWriter | None]:
        """Open a writer; None while another process has one."""
        try:
            with self._lock.acquire(timeout=0):
                # Not held open: its buffers and threads are for one update. And another process
                # may have made the folder again.
                yield self._open().writer(heap_size=HEAP_BYTES, num_threads=1)
        except Timeout:
            yield None

    def _write_position(self, position: int) -> None:
        path = self._folder / POSITION_FILE
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps({"format": FORMAT, "position": position}))
        part.replace(path)

    def _key_query(self, key: int) -> tantivy.Query:
        # Deleting by term takes every number for a signed one, and finds nothing.
        return tantivy.Query.term_query(_SCHEMA, "key", key)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", indexed=True, fast=True)
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("channel", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    return builder.build()


_SCHEMA = _schema()


# The cases of a kind share most of their words: making a query costs more than looking one up.
@lru_cache(maxsize=MAX_WORD_QUERIES)
def _word_query(word: str) -> tantivy.Query:
    return tantivy.Query.term_query(_SCHEMA, "text", word, index_option="freq")


@lru_cache(maxsize=MAX_FILTER_QUERIES)
def _filter_query(field: str, values: frozenset[str]) -> tantivy.Query:
    """Admit only these values, without a part in the score."""
    terms = [
        tantivy.Query.term_query(_SCHEMA, field, value, index_option="basic") for value in values
    ]
    query = terms[0]
    if len(terms) > 1:
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])
    return tantivy.Query.const_score_query(query, 0.0)


def _document(entry: KeywordEntry, piece: str) -> tantivy.Document:
    document = tantivy.Document()
    document.add_unsigned("key", entry.key)
    document.add_text("kind", entry.kind)
    document.add_text("channel", entry.channel)
    document.add_text("text", " ".join(find_keywords(piece)))
    return document
