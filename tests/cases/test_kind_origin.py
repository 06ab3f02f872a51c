"""Who named the kind of a case, by its classification."""

import pytest

from bot.cases.case import Classification
from bot.cases.kind_origin import KindOrigin, KindSource, origin_of
from tests.cases.making import recognition


@pytest.mark.parametrize(
    ("classification", "origin", "is_corrected"),
    [
        (Classification(), KindOrigin(KindSource.SIGNAL), False),
        (
            Classification(recognition=recognition("low_stock")),
            KindOrigin(KindSource.RECOGNITION, "low_stock"),
            False,
        ),
        (
            Classification(recognition=recognition(), named_by="Ana"),
            KindOrigin(KindSource.PERSON),
            False,
        ),
        (
            Classification(recognition=recognition("low_stock"), named_by="Ana"),
            KindOrigin(KindSource.PERSON, "low_stock"),
            True,
        ),
    ],
    ids=["its source", "recognition", "a person", "a person, in place of recognition"],
)
def test_the_kind_is_of_whoever_named_it_last(classification, origin, is_corrected):
    assert origin_of(classification) == origin
    assert origin.is_corrected == is_corrected
