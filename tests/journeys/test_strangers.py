"""How often people say that the bot took a request for what it was, or was not: from their presses to the next models.

The desk, the store, memory, the training and the models are those of the program.
"""

import itertools
from dataclasses import replace

import pytest

from bot.cases.commands import CallNovel
from bot.cases.lifecycle import State
from bot.cases.signal import UNRECOGNISED
from knowledge.learning.stranger_share import PRIOR_CASES, PRIOR_SHARE
from knowledge.learning.training import train_models
from knowledge.learning.training_set import gather_training_set
from knowledge.library import load as load_library
from tests.fakes.directory import principal
from tests.journeys.test_promises import LARGE, opened_town
from tests.world import request

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
CONFIRMED = 50
STRANGERS = 40
ENDINGS = ("", " again", ", please look", " since this morning", ", what now", " (second time)")
STRANGE = (
    "The coffee machine of the staff room leaks",
    "Who has the keys of the small van",
    "A neighbour complains about the music on Saturday",
    "The lease of the office printer ends in spring",
)


@pytest.fixture
def town(empty_sqlite, tmp_path, monkeypatch):
    playbooks = dict(load_library().playbooks)
    with opened_town(empty_sqlite, tmp_path, monkeypatch, playbooks=playbooks) as town:
        town.train()
        yield town


def texts(town):
    """What people write, in their own words each time."""
    examples = [
        (kind, text)
        for kind, playbook in sorted(town.playbooks.items())
        if kind != UNRECOGNISED
        for text in playbook.examples
    ]
    for ending in ENDINGS:
        for kind, text in examples:
            yield kind, f"{text}{ending}"


def raise_unnamed(town, text):
    world, number = town.world, next(town.numbers)
    world.house.amount = LARGE
    signal = world.signal(f"product:{number}", key=f"s-{number}", title=text, kind=UNRECOGNISED)
    case_id = world.receive(signal).case_id
    world.work()
    world.clock.forward(minutes=10)
    return world.store.cases.case(case_id)


def was_named(case):
    return bool(case.classification.recognition.kind)


def share_of(town):
    return town.knowledge.model_file.model.recogniser.trade.stranger_share


def threshold_of(model):
    """Return the default threshold, and what it names of own texts and notices of strangers."""
    trade = model.recogniser.trade
    return trade.thresholds[1], trade.own_shares[1], trade.caught_shares[1]


def retrained_with(town, share):
    """The models of the same memory under another share of strangers."""
    training_set = gather_training_set(
        town.knowledge.shelf, town.playbooks, town.knowledge.embedders
    )
    return train_models(replace(training_set, stranger_share=share), town.knowledge.embedders)


def by_ana(town, case):
    return request(case.id, principal("ana"), town.world.seen(case))


def confirm(town, count):
    """Approve what is recognised, until there are so many."""
    for case in itertools.islice(iterate_named(town), count):
        town.approve(case)


def takes_back(town, case, kind):
    town.world.desk.decisions.name_kind(by_ana(town, case), kind=kind)
    town.world.work()


def test_the_share_of_strangers_follows_what_people_saw(town):
    assert share_of(town) == PRIOR_SHARE

    # Fifty are recognised, and a person acts on each: fewer strangers than was believed.
    confirm(town, CONFIRMED)
    town.train()
    low = PRIOR_SHARE * PRIOR_CASES / (PRIOR_CASES + CONFIRMED)
    assert share_of(town) == pytest.approx(low)
    _, named, noticed = threshold_of(town.knowledge.model_file.model)
    _, named_at_prior, noticed_at_prior = threshold_of(retrained_with(town, PRIOR_SHARE))
    assert (named >= named_at_prior, noticed <= noticed_at_prior) == (True, True)
    assert (named, noticed) != (named_at_prior, noticed_at_prior)

    # Then come strangers, and people say so, whatever the bot took them for.
    for number, text in zip(range(STRANGERS), itertools.cycle(STRANGE), strict=False):
        case = raise_unnamed(town, f"{text} {ENDINGS[number % len(ENDINGS)]}")
        if was_named(case):
            takes_back(town, case, UNRECOGNISED)
        else:
            town.world.desk.decisions.decide(by_ana(town, case), CallNovel)
            town.world.work()
    # What was taken for another kind is an error of naming, too.
    misnamed = next(case for case in iterate_named(town))
    takes_back(town, misnamed, "lead_cold" if misnamed.kind != "lead_cold" else "renewal_due")
    town.train()
    errors = STRANGERS + 1
    many = (PRIOR_SHARE * PRIOR_CASES + errors) / (PRIOR_CASES + CONFIRMED + errors)
    assert share_of(town) == pytest.approx(many)
    threshold, named, noticed = threshold_of(town.knowledge.model_file.model)
    threshold_when_few, named_when_few, noticed_when_few = threshold_of(retrained_with(town, low))
    assert (named < named_when_few, noticed > noticed_when_few) == (True, True)
    assert threshold != threshold_when_few


def iterate_named(town):
    """Raise what people write, and yield what is recognised and waits."""
    for _, text in texts(town):
        case = raise_unnamed(town, text)
        if was_named(case) and case.state is State.PROPOSED:
            yield case
