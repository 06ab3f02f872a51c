import pytest

from tests.desk.answers.answer_desk import AnswerDesk


@pytest.fixture
def world(small_world):
    """Build the desk on SQLite alone; where SQL decides what is found, modules take both."""
    return small_world


@pytest.fixture
def desk(world):
    return AnswerDesk(world)
