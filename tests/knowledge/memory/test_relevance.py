"""The scale on which matches are like a case, measured by the precedents themselves."""

import numpy as np
import pytest

from knowledge.memory.relevance import MatchSigns, RelevanceScale, WordCounts

TEXTS = [{"cups", "low"}, {"beans", "low"}, {"milk", "low"}, {"door", "stuck"}]


@pytest.fixture
def scale():
    rng = np.random.default_rng(17)
    signs = rng.normal([0.7, 0.5], [0.05, 0.1], (100, 2))
    return RelevanceScale(WordCounts(TEXTS), [MatchSigns(*row) for row in signs.tolist()])


def test_a_rare_word_covers_more_of_a_question_than_a_common_one():
    question = WordCounts(TEXTS).weigh({"door", "low"})
    assert question.coverage({"door"}) > 0.7 > 0.3 > question.coverage({"low"}) > 0
    assert question.coverage({"door", "low", "other"}) == pytest.approx(1)
    assert question.coverage(set()) == 0
    assert WordCounts(TEXTS).weigh(set()).coverage({"low"}) == 0


def test_a_text_does_not_make_its_own_words_more_common():
    counts = WordCounts(TEXTS)
    among_others = counts.weigh({"door", "low"}, own_texts=1)
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
    assert scale.is_like(MatchSigns(0.75, 0.3))


def test_texts_that_say_nearly_the_same_are_alike_however_near_all_others_are():
    close = [MatchSigns(0.97 + n / 1000, 1.0 - n / 1000) for n in range(20)]
    scale = RelevanceScale(WordCounts(TEXTS), close)
    assert scale.is_like(MatchSigns(0.85, 0.3))
    assert not scale.is_like(MatchSigns(0.75, 0.3))


def test_the_scale_of_a_sign_changes_nothing():
    rng = np.random.default_rng(19)
    signs = rng.normal([0.7, 0.5], [0.05, 0.1], (50, 2))
    scale = RelevanceScale(WordCounts(TEXTS), [MatchSigns(*row) for row in signs.tolist()])
    wider = RelevanceScale(WordCounts(TEXTS), [MatchSigns(a, 10 * b) for a, b in signs.tolist()])
    for similarity, coverage in rng.normal([0.6, 0.4], 0.1, (50, 2)).tolist():
        relevance = scale.relevance(MatchSigns(similarity, coverage))
        assert wider.relevance(MatchSigns(similarity, 10 * coverage)) == pytest.approx(relevance)


def test_a_sign_that_never_varies_says_nothing():
    scale = RelevanceScale(WordCounts(TEXTS), [MatchSigns(0.6 + n / 100, 1.0) for n in range(20)])
    assert scale.relevance(MatchSigns(0.7, 0.0)) == scale.relevance(MatchSigns(0.7, 1.0))
    same = RelevanceScale(WordCounts(TEXTS), [MatchSigns(0.7, 1.0)] * 20)
    assert same.is_like(MatchSigns(0.1, 0.1))
