"""Quotas: a batch above the quota of a minute passes once, and is made up for."""

import pytest

from bot.cases.source import Format, Source
from handlers.intake.problem import Problem
from handlers.intake.quotas import MAX_RETRY_AFTER_SECONDS, Quotas

SOURCE = Source(name="till", format=Format.SIGNAL, per_minute=2)


def wait_of(quotas, source=SOURCE):
    """Return how many seconds a source is told to wait."""
    with pytest.raises(Problem) as refused:
        quotas.require(source)
    assert refused.value.status == 429
    return refused.value.retry_after


def test_a_source_waits_when_its_quota_is_used_up_and_others_do_not():
    quotas = Quotas()
    quotas.require(SOURCE)
    quotas.consume(SOURCE, 2)
    assert 1 <= wait_of(quotas) <= 31
    quotas.require(Source(name="other", format=Format.SIGNAL, per_minute=2))


def test_a_batch_above_the_quota_passes_once_and_is_made_up_for():
    quotas = Quotas()
    quotas.consume(SOURCE, 50)
    assert wait_of(quotas) == MAX_RETRY_AFTER_SECONDS
