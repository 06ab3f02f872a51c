"""``countersign init``."""

from bot.cli.init import init
from knowledge.library import load


def test_the_copy_is_a_sound_library_with_the_examples_of_questions(tmp_path):
    folder = tmp_path / "mine"
    init(folder)
    library = load(folder)
    assert library.questions() == load().questions()
    assert library.question_problems() == []
    assert not list(folder.rglob("*.py"))
