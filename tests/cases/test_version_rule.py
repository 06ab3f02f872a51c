"""How a changed playbook is tried: shares, places, and what a file may say."""

from datetime import timedelta

import pytest

from bot.cases.errors import PlaybookInvalid
from bot.cases.version_rule import VersionRule, is_in_share
from bot.settings import PACKAGED_LIBRARY
from knowledge.library.policy import read_policy_text

POLICY = (PACKAGED_LIBRARY / "policy.yml").read_text()
(LINE,) = (line for line in POLICY.splitlines() if line.startswith("versions:"))


def read(line: str) -> VersionRule | None:
    return read_policy_text(POLICY.replace(LINE, line)).versions


def test_the_sample_tries_twenty_cases_and_then_a_fifth_of_them():
    assert read(LINE) == VersionRule(shadow=20, share=20, trial=10, watch=timedelta(days=30))
    assert read("") is None


@pytest.mark.parametrize("share", ["120%", "-1%", "a fifth", "0.2"])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(PlaybookInvalid, match="must be a share like 20%"):
        read(f'versions: {{share: "{share}"}}')


def test_a_condition_that_is_none_is_refused():
    with pytest.raises(PlaybookInvalid, match="not a JMESPath expression"):
        read('versions: {only: {low_stock: "stock.shop =="}}')


def test_a_share_is_about_as_large_as_it_says_and_the_same_each_time():
    subjects = [f"product:{number}" for number in range(2000)]
    first = [one for one in subjects if is_in_share("v1", one, 20)]
    assert first == [one for one in subjects if is_in_share("v1", one, 20)]
    assert 330 < len(first) < 470
    # Another version meets other subjects.
    assert first != [one for one in subjects if is_in_share("v2", one, 20)]
    # A larger share has the smaller one in it.
    assert set(first) <= {one for one in subjects if is_in_share("v1", one, 40)}
    assert not any(is_in_share("v1", one, 0) for one in subjects)
    assert all(is_in_share("v1", one, 100) for one in subjects)


def test_a_trial_can_be_left_out():
    assert VersionRule().has_trial("low_stock")
    assert not VersionRule(share=0).has_trial("low_stock")
    assert not VersionRule(trial=0).has_trial("low_stock")
    assert VersionRule(share=0, only={"low_stock": "signal.x"}).has_trial("low_stock")
