"""The advisors as the bot opens them: who embeds for which plans."""

import contextlib

import pytest

from bot.advisors import open_knowledge
from bot.clock import utc_now
from bot.demo.environment import sample_settings
from bot.preflight import open_library


@pytest.fixture
def plan_embedders(store, tmp_path):
    """Open the advisors, and return the embedders of plans by identity."""
    with contextlib.ExitStack() as stack:

        def open_with(name):
            settings = sample_settings(tmp_path, "", COUNTERSIGN_EMBEDDINGS=name)
            knowledge = open_knowledge(
                settings=settings, store=store, library=open_library(settings), clock=utc_now
            )
            stack.callback(knowledge.precedents.close)
            return knowledge.advisors.recommender._embedders

        yield open_with


def test_plans_of_the_table_and_of_the_model_find_their_embedders(plan_embedders):
    table, model = plan_embedders("")
    assert (table.split("/")[0], model.split("/")[0]) == ("token-table", "minilm-l6-v2-int8")


@pytest.mark.parametrize("name", ["model", "words"])
def test_one_that_is_named_embeds_for_every_plan(plan_embedders, name):
    assert len(plan_embedders(name)) == 1
