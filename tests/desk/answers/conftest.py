import pytest

from tests.desk.answers.answer_desk import AnswerDesk


@pytest.fixture
def desk(world):
    return AnswerDesk(world)
