"""``channels.yml``: the working hours of channels."""

from datetime import date, time

import pytest

from bot.cases.call_rules import AfterHours, CallRules, Reach
from bot.cases.hours import Hours
from knowledge.library import load
from tests.knowledge.library.editing import change, refuse

ALL_DAYS = "days: [mon, tue, wed, thu, fri, sat, sun]"


def playbook_file(folder):
    return folder / "playbooks" / "low_stock.yml"


def test_hours_are_read_as_people_write_them(folder):
    change(folder / "channels.yml", "review: mon}\nchannels", "review: fri}\nchannels")
    library = load(folder)
    every_day, office = library.hours("C0STOCK"), library.hours("C0SALES")
    assert (every_day.opens, every_day.closes, len(every_day.days)) == (time(8), time(0), 7)
    assert (every_day.digest_at, every_day.review_on) == (time(9), 4)
    assert office.days == frozenset(range(5))
    assert office.is_holiday(date(2026, 12, 25))
    assert not office.is_holiday(date(2026, 12, 24))
    assert not every_day.is_holiday(date(2026, 12, 25))


def test_without_the_file_everybody_is_always_at_work(folder):
    (folder / "channels.yml").unlink()
    assert load(folder).hours("C0SALES") == Hours()


def test_a_channel_says_who_is_called_and_others_have_the_default(folder):
    assert load(folder).call_rules("C0STOCK", "low_stock") == CallRules()
    calls = "calls: {low: group, after_hours: never, per_hour: 2}"
    change(folder / "channels.yml", "review: mon}\nchannels", f"{calls}}}\nchannels")
    rules = CallRules(low=Reach.GROUP, after_hours=AfterHours.NEVER, per_hour=2)
    assert load(folder).call_rules("C0STOCK", "low_stock") == rules
    assert load(folder).call_rules("C0SALES", "lead_cold") == rules
    (folder / "channels.yml").unlink()
    assert load(folder).call_rules("C0STOCK", "low_stock") == CallRules()


def test_a_playbook_overrides_one_rule_of_its_channel_and_leaves_the_others(folder):
    calls = "calls: {low: group, per_hour: 2}"
    change(folder / "channels.yml", "review: mon}\nchannels", f"{calls}}}\nchannels")
    change(playbook_file(folder), "measure:", "calls: {low: duty, after_hours: low}\nmeasure:")
    library = load(folder)
    assert library.call_rules("C0STOCK", "low_stock") == CallRules(
        low=Reach.DUTY, after_hours=AfterHours.LOW, per_hour=2
    )
    assert library.call_rules("C0STOCK", "lead_cold") == CallRules(low=Reach.GROUP, per_hour=2)


@pytest.mark.parametrize(
    ("calls", "complaint"),
    [
        ("{low: all}", r"low_stock.yml:\d+: calls.low: Input should be 'nobody', 'group' or"),
        ("{lowest: group}", r"low_stock.yml:\d+: calls.lowest"),
        ("{after_hours: night}", r"low_stock.yml:\d+: calls.after_hours: Input should be 'low'"),
        ("{per_hour: -1}", r"low_stock.yml:\d+: calls.per_hour: Input should be greater than"),
        ("{per_hour: many}", r"low_stock.yml:\d+: calls.per_hour: Input should be a valid int"),
        ("group", r"low_stock.yml:\d+: calls: Input should be a mapping"),
    ],
)
def test_a_mistake_in_the_calls_of_a_playbook_is_told_where_it_is(folder, calls, complaint):
    refuse(playbook_file(folder), "measure:", f"calls: {calls}\nmeasure:", complaint=complaint)


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("Europe/London", "Mars/Base", "channels.yml:3: default.zone: .*no time zone 'Mars/Base'"),
        ("holidays: none", "holidays: XX", "default.holidays: no holidays are known for 'XX'"),
        ("holidays: none", "holidays: some", "default.holidays: String should match"),
        (ALL_DAYS, "days: []", "default.days: List should have at least 1 item"),
        (ALL_DAYS, "days: [monday]", "default.days.0: Input should be 'mon', 'tue'"),
        ('open: "08:00-00:00"', 'open: "8-10"', "default.open: String should match"),
        ('digest: "09:00"', 'digest: "25:00"', "default.digest: String should match"),
        ("review: mon", "review: never", "default.review: Input should be 'mon'"),
        ("review: mon", "calls: {low: all}", "default.calls.low: Input should be 'nobody'"),
        ("review: mon", "calls: {lowest: group}", "default.calls.lowest"),
        ("review: mon", "calls: {per_hour: 61}", "default.calls.per_hour: Input should be less"),
        (
            "  sales:",
            "  Sales Team:",
            r"channels.yml:5: channels.Sales Team.\[key\]: String should match",
        ),
    ],
    ids=range(12),
)
def test_a_mistake_is_told_where_it_is(folder, before, after, complaint):
    refuse(folder / "channels.yml", before, after, complaint=complaint)


def test_leads_may_have_a_digest_of_the_whole_desk(folder):
    assert load(folder).whole_desk_digests() == []
    change(folder / "channels.yml", "whole_desk_digest: []", "whole_desk_digest: [C0LEADS]")
    assert load(folder).whole_desk_digests() == ["C0LEADS"]
