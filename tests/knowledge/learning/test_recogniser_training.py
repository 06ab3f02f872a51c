"""Training of recognition: too few examples, and texts that are new."""

from knowledge.learning.linear_model import TrainingExample
from knowledge.learning.recogniser import TrainedRecogniser
from knowledge.learning.recogniser_training import train_recogniser
from tests.knowledge.learning.examples import playbook_examples


def test_one_kind_or_one_example_each_is_nothing_to_learn_from(minilm):
    one_kind = [TrainingExample("a", "x", {}), TrainingExample("b", "x", {})]
    one_example_each = [TrainingExample("a", "x", {}), TrainingExample("b", "y", {})]
    for examples in (one_kind, one_example_each):
        model = train_recogniser(examples, novel_texts=(), embedder=minilm, version="v")
        assert model is None


def test_what_people_called_new_is_not_taken_for_something_else_again(library, minilm):
    novel = [f"The parrot in the lobby bit guest number {n}" for n in range(12)]
    model = train_recogniser(
        playbook_examples(library), novel_texts=novel, embedder=minilm, version="v"
    )
    recogniser = TrainedRecogniser(lambda: model, minilm, dict(library.titles()))
    assert recogniser.recognise("The parrot bit another guest").abstains
