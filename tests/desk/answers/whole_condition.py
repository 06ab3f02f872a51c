"""A condition with every field set."""

from datetime import timedelta
from decimal import Decimal

from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.views.query import ME, Condition, LastDecision, Period

WHOLE = Condition(
    is_open=True,
    states=(State.PROPOSED,),
    kinds=("low_stock",),
    text="Merlot",
    min_stake=Decimal(5),
    max_stake=Decimal(500),
    min_age=timedelta(days=3),
    max_age=timedelta(days=9),
    opened=Period(begin="last_week", end="last_week"),
    decided=Period(begin="yesterday"),
    ended=Period(before="monday"),
    due=Period(begin="tomorrow", end="tomorrow"),
    due_within="friday",
    expires_within="+PT2H",
    is_overdue=True,
    owner=ME,
    waits_on="finance",
    approver="finance",
    min_approvals=2,
    is_part_approved=True,
    decision=LastDecision.APPROVED,
    decided_by="T1/UBEN",
    action="house.order_stock",
    is_automatic=True,
    risk=RiskTier.HIGH,
    raised_by=ME,
    source="api",
    channel="C0STOCK",
    is_snoozed=True,
    is_paused=True,
    is_unrecognised=True,
    exclusion=Condition(kinds=("other",)),
)
