import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from bot.demo.company import SETTLEMENTS, TUTORIAL_PRODUCT, settle_exception, write_database
from bot.demo.notes import NOTES
from bot.desk.detection import detection_parameters
from knowledge.library import PACKAGED, load

TODAY = datetime(2026, 11, 26, 9, 30)


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    path = tmp_path_factory.mktemp("company") / "company.db"
    return path, write_database(path, TODAY)


@pytest.fixture(scope="module")
def playbooks():
    return load(PACKAGED).playbooks


def detected(path, playbook, now):
    """Return the subjects that the playbook's own query finds at this time."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(playbook.detection.query, detection_parameters(now))
        return {row[0] for row in rows}


def test_the_history_reaches_from_a_year_ago_to_yesterday(company):
    _, exceptions = company
    past = [exception for exception in exceptions if exception.at < TODAY]
    assert TODAY - past[0].at > timedelta(days=335)
    assert past[-1].at.date() == TODAY.date() - timedelta(days=1)


def test_every_day_of_the_last_two_weeks_has_exceptions(company):
    _, exceptions = company
    days = {exception.at.date() for exception in exceptions}
    assert all(TODAY.date() - timedelta(days=ago) in days for ago in range(15))


def test_no_exception_of_the_past_is_after_yesterday(company):
    _, exceptions = company
    assert {exception.at for exception in exceptions if exception.at.date() == TODAY.date()} == {
        TODAY
    }


def test_people_have_notes_on_every_kind(company):
    _, exceptions = company
    kinds = {exception.kind for exception in exceptions}
    assert set(NOTES) == set(SETTLEMENTS) == kinds


def test_an_exception_that_ended_by_itself_is_detected_no_more(company, playbooks):
    path, exceptions = company
    for exception in exceptions[-8:]:
        playbook = playbooks[exception.kind]
        assert exception.subject in detected(path, playbook, TODAY)
        settle_exception(path, exception)
        assert exception.subject not in detected(path, playbook, TODAY)


@pytest.mark.parametrize(("days", "is_found"), [(0, False), (1, False), (4, True)])
def test_the_product_of_the_readme_is_not_detected_before_a_few_days(
    company, playbooks, days, is_found
):
    path, _ = company
    subjects = detected(path, playbooks["low_stock"], TODAY + timedelta(days=days))
    assert (f"product:{TUTORIAL_PRODUCT}" in subjects) is is_found
