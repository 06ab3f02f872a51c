"""Cases, precedents and offers for the benchmarks of judgement."""

from dataclasses import replace

from bot.cases.plan import Action, Idempotency
from bot.cases.playbook import ActionOffer
from bot.cases.precedent import CaseOutcome, Precedent, PrecedentDecision
from bot.cases.signal import Signal
from bot.clock import utc_now
from knowledge.learning.recommender import PrecedentRecommender
from tests.cases.making import opened


def make_precedent(name, text, facts, action, at):
    return Precedent(
        id=str(name),
        kind="k",
        signal_text=text,
        summary="",
        facts=facts,
        decision=PrecedentDecision(action=action, people=("people",)),
        outcome=CaseOutcome.WORKED,
        reason="",
        ended_at=at,
        channel="C0",
    )


def make_recommender(memory, model, embedder, model_embedder=None):
    return PrecedentRecommender(
        memory=memory,
        plan_model_of=lambda kind: model,
        embedder=embedder,
        clock=utc_now,
        model_embedder=model_embedder,
    )


def make_case(kind, title):
    signal = Signal(
        source="bench",
        key="k",
        kind=kind,
        subject="s",
        title=title,
        occurred_at=None,
        facts={},
    )
    return replace(opened(), kind=kind, signal=signal)


def make_offer(action, when=""):
    return ActionOffer(action=action, when=when, parameters={}, reason="because")


def prepare_action(name, parameters):
    return Action(
        name=name,
        version=1,
        system="s",
        connector="fake",
        target="t",
        parameters={},
        summary=name,
        preview="",
        reversible=True,
        idempotency=Idempotency.MARKER,
        precondition={},
    )
