"""The index of words: Tantivy's BM25, in memory, filled from the shelf at start. It finds what meaning blurs: names, numbers, part codes."""

from collections.abc import Iterable, Sequence

import tantivy

from knowledge.memory.text_features import split_words

MOST_WORDS = 40
HEAP = 30_000_000


class KeywordIndex:
    """Texts by id."""

    def __init__(self) -> None:
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        self._index = tantivy.Index(schema.build())
        self._writer = self._index.writer(heap_size=HEAP, num_threads=1)

    def put(self, texts: Iterable[tuple[str, str]], *, gone: Sequence[str] = ()) -> None:
        """Take in these texts, in place of earlier ones under the same ids, and let go of those that are gone."""
        for name, text in texts:
            self._writer.delete_documents_by_term("id", name)
            self._writer.add_document(
                tantivy.Document(id=[name], text=[" ".join(split_words(text))])
            )
        for name in gone:
            self._writer.delete_documents_by_term("id", name)
        self._writer.commit()
        self._index.reload()

    def search(self, text: str, many: int) -> list[str]:
        """Ids by BM25, the best first."""
        words = list(dict.fromkeys(split_words(text)))[:MOST_WORDS]
        if not words:
            return []
        terms = [
            (
                tantivy.Occur.Should,
                tantivy.Query.term_query(self._index.schema, "text", word, index_option="freq"),
            )
            for word in words
        ]
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.boolean_query(terms), many).hits
        return [searcher.doc(address)["id"][0] for _, address in hits]
