"""Hashed features: the same for the same words, whatever the process."""

import pytest

from knowledge.memory.text_features import TEXT_BUCKETS, find_codes, hash_facts, hash_text


def test_a_code_has_letters_and_digits_or_is_a_long_number():
    text = "Invoice INV-X0053 of 12345, 24 bottles for table 9"
    assert find_codes(text) == {"x0053", "12345"}


def test_words_and_their_pairs_are_counted_by_the_logarithm():
    buckets, weights = hash_text("gin gin")
    # The word twice, the pair once.
    assert (len(buckets), sorted(weights.round(3))) == (2, [1.0, 1.693])
    assert all(0 <= bucket < TEXT_BUCKETS for bucket in buckets)


def test_facts_without_a_value_are_left_out():
    full, _ = hash_facts({"state": "NY", "product": "gin"}, 1_000)
    sparse, _ = hash_facts({"state": "NY", "product": None, "note": ""}, 1_000)
    assert (len(full), len(sparse)) == (3, 1)


def test_the_features_of_a_text_are_computed_once_and_cannot_be_changed():
    buckets, weights = hash_text("low on Merlot, once")
    assert hash_text("low on Merlot, once")[0] is buckets
    for array in (buckets, weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
