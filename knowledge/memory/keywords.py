"""Keywords: the stems of words, and of the parts of names.

An alert is named ``KubePodCrashLooping``, its runbook speaks of pods that crash.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

import tantivy

from knowledge.memory.text_features import find_words

MAX_CACHED_WORDS = 16_384
MAX_CACHED_TEXTS = 64
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def find_keywords(text: str) -> list[str]:
    """Find the stems of all words, and of the parts of names."""
    return list(chain.from_iterable(map(_keywords_of, find_words(text))))


# A search asks twice for those of its question.
@lru_cache(maxsize=MAX_CACHED_TEXTS)
def distinct_keywords(text: str) -> tuple[str, ...]:
    """Return the keywords of a text in their order, each once."""
    return tuple(dict.fromkeys(find_keywords(text)))


# The words of a team repeat.
@lru_cache(maxsize=MAX_CACHED_WORDS)
def _keywords_of(word: str) -> tuple[str, ...]:
    """Return the stems of a word and of its parts."""
    # Codes stay whole: the parts of "X0053b" say nothing.
    if word.isalpha() and not (word.islower() or word.isupper()):
        return (stem(word.lower()), *map(stem, _split_name(word)))
    return (stem(word.lower()),)


def stem(word: str) -> str:
    """Return the English stem of a word in lower case."""
    # Of what the analyser takes for nothing or for several words, nothing is cut off.
    stems: list[str] = _ANALYSER.analyze(word)
    return stems[0] if len(stems) == 1 else word


def _split_name(word: str) -> Iterable[str]:
    """Split a name like ``KubePodCrashLooping``; yield nothing for other words."""
    parts = _NAME_PART.findall(word)
    return map(str.lower, parts) if len(parts) > 1 else ()


def _analyser() -> tantivy.TextAnalyzer:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer("english")).build()


_ANALYSER = _analyser()
