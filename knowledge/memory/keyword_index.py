"""The keyword index: Tantivy's BM25, in memory.

It is filled from the stored precedents at start, and finds what vectors blur: names, numbers and
part codes.
"""

from collections.abc import Iterable, Sequence

import tantivy

from knowledge.memory.text_features import split_words

MAX_QUERY_WORDS = 40
HEAP_BYTES = 30_000_000


class KeywordIndex:
    """Texts by id."""

    def __init__(self) -> None:
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        self._index = tantivy.Index(schema.build())
        self._writer = self._index.writer(heap_size=HEAP_BYTES, num_threads=1)

    def update(
        self,
        texts: Iterable[tuple[str, str]],
        *,
        removed_ids: Sequence[str] = (),
    ) -> None:
        """Replace and remove texts. ``texts`` are pairs of id and text."""
        for text_id, text in texts:
            self._writer.delete_documents_by_term("id", text_id)
            words = " ".join(split_words(text))
            self._writer.add_document(tantivy.Document(id=[text_id], text=[words]))
        for text_id in removed_ids:
            self._writer.delete_documents_by_term("id", text_id)
        self._writer.commit()
        self._index.reload()

    def search(self, text: str, limit: int) -> list[str]:
        """Find ids by BM25, the best first."""
        words = list(dict.fromkeys(split_words(text)))[:MAX_QUERY_WORDS]
        if not words:
            return []
        query = tantivy.Query.boolean_query(list(map(self._word_clause, words)))
        searcher = self._index.searcher()
        hits = searcher.search(query, limit).hits
        return [searcher.doc(address)["id"][0] for _, address in hits]

    def _word_clause(self, word: str) -> tuple[tantivy.Occur, tantivy.Query]:
        schema = self._index.schema
        term = tantivy.Query.term_query(schema, "text", word, index_option="freq")
        return tantivy.Occur.Should, term
