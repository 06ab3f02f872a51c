"""The scale on which matches are like a case, measured by the precedents themselves."""

import numpy as np
import pytest

from knowledge.memory.relevance import (
    ComparedText,
    MatchSigns,
    RelevanceScale,
    WordCounts,
    measure_scale,
)

TEXTS = [{"cups", "low"}, {"beans", "low"}, {"milk", "low"}, {"door", "stuck"}]


@pytest.fixture
def scale():
    rng = np.random.default_rng(17)
    signs = rng.normal([0.7, 0.5], [0.05, 0.1], (100, 2))
    return RelevanceScale(WordCounts(TEXTS), signs.mean(axis=1).tolist())


def test_a_rare_word_covers_more_of_a_question_than_a_common_one():
    question = WordCounts(TEXTS).weigh({"door", "low"})
    assert question.coverage({"door"}) > 0.7 > 0.3 > question.coverage({"low"}) > 0
    assert question.coverage({"door", "low", "other"}) == pytest.approx(1)
    assert question.coverage(set()) == 0
    assert WordCounts(TEXTS).weigh(set()).coverage({"low"}) == 0


def test_a_text_does_not_make_its_own_words_more_common():
    counts = WordCounts(TEXTS)
    among_others = counts.weigh_own({"door", "low"})
    missing = WordCounts(TEXTS[:3]).weigh({"door", "low"})
    assert among_others.coverage({"low"}) == pytest.approx(
        WordCounts([{"low"}, {"low"}, {"other"}]).weigh({"door", "low"}).coverage({"low"})
    )
    assert missing.coverage({"low"}) < among_others.coverage({"low"})


def test_one_precedent_in_ten_is_farther_than_what_counts_as_like(scale):
    rng = np.random.default_rng(18)
    others = rng.normal([0.7, 0.5], [0.05, 0.1], (2_000, 2))
    likeness = [scale.is_like(MatchSigns(*row)) for row in others.tolist()]
    assert 0.85 < np.mean(likeness) < 0.95


def test_one_sign_makes_up_for_what_the_other_lacks(scale):
    assert not scale.is_like(MatchSigns(0.55, 0.3))
    assert scale.is_like(MatchSigns(0.55, 0.7))
    assert scale.is_like(MatchSigns(0.75, 0.35))


def test_texts_that_say_nearly_the_same_are_alike_however_near_all_others_are():
    scale = RelevanceScale(WordCounts(TEXTS), [0.97 + number / 1000 for number in range(20)])
    assert scale.is_like(MatchSigns(0.85, 0.3))
    assert not scale.is_like(MatchSigns(0.75, 0.3))


def test_the_same_story_has_all_there_is_of_relevance():
    assert MatchSigns(1.0, 1.0).relevance == 1
    assert MatchSigns(0.6, 0.2).relevance == pytest.approx(0.4)


def compared(text, vector):
    return ComparedText(np.array(vector, np.float32), frozenset(text.split()))


def test_precedents_are_compared_as_if_their_rarest_common_word_were_new():
    # Three goods in each of ten places; the vector tells the good, and a little the place.
    goods, places = ("gin", "cups", "ice"), [f"place{number}" for number in range(10)]
    texts = [
        compared(f"low on {good} in {place}", unit(goods.index(good), places.index(place)))
        for good in goods
        for place in places
    ]
    scale = measure_scale(texts, 200)
    assert not scale.is_like(MatchSigns(0.1, 0.1))
    # The place is the rarest word: the nearest is of the same good in another place.
    assert scale.min_relevance == pytest.approx((0.7 + 0.5) / 2, abs=0.15)
    assert measure_scale(texts[:19], 200) is None


def unit(good, place):
    vector = np.zeros(13)
    vector[good] = 1
    vector[3 + place] = 0.6
    return vector / np.linalg.norm(vector)


def test_where_all_tell_the_same_story_nothing_is_measured():
    assert measure_scale([compared("low on gin", [1, 0])] * 50, 200) is None


def test_a_copy_is_not_the_nearest_other_one():
    goods = ("gin", "cups", "ice", "rum")
    texts = []
    for number in range(40):
        # Each story is told twice, and is half as near to all others.
        vector = np.zeros(21)
        vector[[0, 1 + number // 2]] = np.sqrt(0.5)
        texts.append(compared(f"low on {goods[number % 4]} case{number}", vector))
    assert measure_scale(texts, 200).min_relevance < 0.5
