"""Answers about the plan of a case, its evidence and its execution."""

from bot.cases import entries
from bot.cases.entries import IN_DOUBT, StepState
from bot.cases.evidence import Evidence
from bot.cases.lifecycle import State
from bot.cases.plan import Action
from bot.cases.signal import UNRECOGNISED
from bot.cases.source import BY_HAND
from bot.desk.answers.case_file import CaseFile, Statement
from bot.desk.answers.decisions import (
    describe_ending,
    describe_event,
    describe_last_decision,
    describe_missing,
)
from bot.desk.answers.times import describe_undo_window
from bot.desk.case_texts import as_sentence, count_noun, describe_state, phrase
from bot.views.labels import mid_sentence
from bot.views.plan_words import plan_items, plan_sentence

NO_EVIDENCE = "nothing was looked up for it"


def describe_evidence(file: CaseFile) -> Statement:
    """List the facts that were looked at: value, source and time."""
    facts = []
    for fact in file.case.assessment.evidence:
        if fact.label or fact.failure:
            facts.append(_describe_fact(file, fact))
    if not facts:
        return Statement(text=f"No facts are recorded for {file.id}: {NO_EVIDENCE}.")
    count = count_noun(len(facts), "fact")
    return Statement(text=f"I looked at {count} for {file.id}:", facts=tuple(facts))


def _describe_fact(file: CaseFile, fact: Evidence) -> str:
    origin = f"{file.labels.system(fact.source)}, {file.time(fact.read_at)}"
    label = fact.label or fact.name.partition(".")[0].replace("_", " ")
    if fact.failure:
        return f"{label}: could not be read, {file.words(fact.failure)} ({origin})."
    return f"{label}: {file.words(fact.value)} ({origin})."


def describe_plan(file: CaseFile) -> Statement:
    """Say what the plan would do, action by action."""
    plan = file.case.proposal.plan
    if plan is None:
        return Statement(text=_no_plan(file))
    summaries = plan_items(plan, file.words, file.labels.system)
    facts = [
        _describe_action(file, action, summary)
        for action, summary in zip(plan.actions, summaries, strict=True)
    ]
    facts.append(describe_undo_window(file))
    count = count_noun(len(plan.actions), "action")
    money = phrase(", moving {}", plan.amount)
    return Statement(text=f"The plan of {file.id} has {count}{money}:", facts=tuple(facts))


def _no_plan(file: CaseFile) -> str:
    recommendation = file.case.proposal.recommendation
    text = f"There is no plan for {file.id}"
    if recommendation and recommendation.blocked:
        text = f"{text}: {file.words(recommendation.blocked)}"
    return as_sentence(text)


def _describe_action(file: CaseFile, action: Action, summary: str) -> str:
    parameters = []
    for name, value in action.parameters.items():
        parameters.append(f"{file.labels.parameter(action.name, name)} {file.words(value)}")
    values = phrase(" ({})", ", ".join(parameters))
    return as_sentence(f"{summary}{values}")


def describe_consequence(file: CaseFile) -> Statement:
    """Say what happens when the plan is approved now."""
    case = file.case
    plan = case.proposal.plan
    if plan is None:
        return Statement(text=_no_plan(file))
    if case.state is not State.PROPOSED:
        text = f"There is nothing to approve now: {describe_state(case)}."
        return Statement(text=text, facts=describe_plan(file).facts)
    summaries = mid_sentence(plan_sentence(plan, file.words, file.labels.system))
    money = phrase(", moving {}", plan.amount)
    effect = "shown as a dry run, and nothing changes" if plan.is_dry_run else "carried out at once"
    facts = []
    for action in plan.actions:
        if action.preview:
            facts.append(f"The dry run says: {as_sentence(file.words(action.preview))}")
    if case.proposal.verdict and case.proposal.verdict.approvals_needed > 1:
        facts.append(f"It runs only when the approvals are complete. {describe_missing(file)}")
    if file.pause:
        facts.append(f"It would wait, because {file.pause_reason}.")
    facts.append(describe_undo_window(file))
    text = f"If {case.id} is approved: {summaries}{money}. It is {effect}."
    return Statement(text=text, facts=tuple(facts))


def describe_recommendation(file: CaseFile) -> Statement:
    """Say why this plan is recommended, and on which grounds."""
    recommendation = file.case.proposal.recommendation
    if recommendation is None:
        return Statement(text=f"Nothing has been recommended for {file.id}.")
    if recommendation.blocked and not recommendation.action:
        text = f"I recommend nothing for {file.id}: {file.words(recommendation.blocked)}"
        return Statement(text=as_sentence(text))
    title = file.labels.action(recommendation.action)
    reason = file.words(recommendation.reason)
    text = as_sentence(f"For {file.id} I recommend “{title}” because: {reason}")
    facts = []
    if recommendation.basis:
        facts.append(as_sentence(f"It rests on {file.words(recommendation.basis)}"))
    if recommendation.precedents:
        facts.append(as_sentence(f"Cases before: {file.words(recommendation.precedents)}"))
    for alternative in recommendation.alternatives:
        other = file.labels.action(alternative.action)
        facts.append(as_sentence(f"Not “{other}”: {file.words(alternative.why_not)}"))
    return Statement(text=text, facts=tuple(facts))


def describe_confidence(file: CaseFile) -> Statement:
    """Say how sure the recommendation is."""
    recommendation = file.case.proposal.recommendation
    if recommendation is None or not recommendation.action:
        return Statement(text=f"Nothing is recommended for {file.id}, so there is no confidence.")
    if recommendation.confidence is None:
        text = f"I cannot give a figure for {file.id}: too little was decided before."
        return Statement(text=text)
    text = (
        f"{recommendation.confidence}% for {file.id}: so likely a person approves it unedited,"
        " and it works."
    )
    if not recommendation.promise:
        return Statement(text=text)
    return Statement(text=text, facts=(as_sentence(recommendation.promise),))


def describe_recognition(file: CaseFile) -> Statement:
    """Say why the case is taken for one of its kind."""
    case = file.case
    title = file.labels.kind(case.kind)
    recognition = case.classification.recognition
    name = case.classification.named_by
    if case.kind == UNRECOGNISED and case.classification.is_novel:
        text = f"{case.id} has no known kind: {name or 'a person'} called it new."
    elif name:
        text = f"{case.id} is “{title}” because {name} said so."
    elif recognition is None and case.kind == UNRECOGNISED:
        text = f"{case.id} has no known kind: none was found."
    elif recognition is None and case.signal.source == BY_HAND and case.signal.requester:
        name = file.names.person(case.signal.requester)
        text = f"{case.id} is “{title}” because {name} raised it as that."
    elif recognition is None:
        source = file.labels.system(case.shown_source)
        text = f"{case.id} is “{title}” because {source} reported it as that."
    elif recognition.abstains:
        text = f"I could not tell the kind of {case.id}: {recognition.basis or 'no kind fits'}."
    else:
        text = (
            f"I recognised {case.id} as “{title}” with {recognition.confidence}% confidence,"
            f" {recognition.basis}."
        )
    if recognition is None:
        return Statement(text=text)
    guesses = [f"{guess.title} {guess.confidence}%" for guess in recognition.guesses]
    likeliest = phrase("The likeliest kinds: {}.", ", ".join(guesses))
    facts = (likeliest, f"From its words: “{case.signal.title}”.")
    return Statement(text=text, facts=tuple(filter(None, facts)))


def describe_execution(file: CaseFile) -> Statement:
    """Say how far the plan is carried out, and why not further."""
    case = file.case
    steps = _describe_steps(file)
    match case.state:
        case State.PROPOSED:
            reasons = case.activity.drift_reasons
            missing = describe_missing(file)
            why = f" It was asked again because {file.words('; '.join(reasons))}."
            text = f"{case.id} is not done because it still {_waits_for(file)}. {missing}"
            return Statement(text=f"{text}{why if reasons else ''}".strip(), facts=steps)
        case State.APPROVED | State.RUNNING:
            decision = describe_last_decision(file)
            facts = (file.without_id(decision.text), *decision.facts, *steps)
            return Statement(text=_describe_progress(file), facts=facts)
        case State.OUTCOME_UNKNOWN | State.REFERRED:
            reason = case.activity.status_reason
            why = f": {file.words(reason.reason)}" if reason else ""
            text = f"{case.id} {case.state.predicate}{why}. Somebody has to look at it."
            owner = file.names.owner(case.owner)
            return Statement(text=text, facts=(*steps, f"It is with {owner}."))
        case State.RESOLVED:
            return Statement(text=describe_ending(file).text, facts=steps)
        case State.OPEN | State.NEW:
            reasons = case.activity.drift_reasons
            why = f", because {file.words('; '.join(reasons))}" if reasons else ""
            return Statement(text=f"{case.id} is being looked at{why}.", facts=steps)
        case _:
            ending = describe_ending(file)
            return Statement(text=ending.text, facts=(*ending.facts, *steps))


def _waits_for(file: CaseFile) -> str:
    votes = len(file.case.proposal.approvals)
    return "waits for another approval" if votes else "waits for a decision"


def _describe_progress(file: CaseFile) -> str:
    """Say what holds up a plan that was approved."""
    case = file.case
    if file.pause:
        since = file.time(file.pause.at)
        reason = f"{file.pause_reason} (since {since})"
        return f"{case.id} {case.state.predicate}, and waits because {reason}."
    if case.execution.is_undo_running:
        return f"{case.id} is being taken back now."
    doubt = [step for step in case.execution.steps if step.state in IN_DOUBT]
    if doubt:
        return f"{case.id} {case.state.predicate}; its present step: {doubt[-1].state}."
    waiting = [step for step in case.execution.steps if step.state is StepState.DEFERRED]
    if waiting:
        detail = phrase(": {}", file.words(waiting[-1].detail))
        return f"{case.id} waits to be tried again{detail}."
    return f"{case.id} {case.state.predicate}, and runs as soon as a worker is free."


def _describe_steps(file: CaseFile) -> tuple[str, ...]:
    """List the steps that have begun, with their outcome."""
    plan = file.case.proposal.plan
    facts = []
    for index, step in enumerate(file.case.execution.steps):
        summary = file.case.action(index).summary if plan else "Step"
        detail = phrase(" ({})", file.words(step.detail))
        facts.append(f"{file.words(summary)}: {step.state} on {file.time(step.at)}{detail}.")
    return tuple(facts)


def describe_outcome(file: CaseFile) -> Statement:
    """Say what came of the case."""
    results = []
    for entry in file.entries:
        match entry.body:
            case (
                entries.Resolved()
                | entries.Stopped()
                | entries.Reopened()
                | entries.UndoAsked()
                | entries.Rejected()
                | entries.Cleared()
            ):
                results.append(describe_event(file, entry))
            case _:
                continue
    if not results:
        return describe_execution(file)
    steps = _describe_steps(file)
    return Statement(text=f"{file.id}: {results[-1]}", facts=(*results[:-1], *steps))
