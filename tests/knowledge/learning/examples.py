"""Training examples of the packaged playbooks."""

from knowledge.learning.linear_model import TrainingExample


def playbook_examples(library):
    return [
        TrainingExample(text, kind, {})
        for kind, playbook in library.playbooks.items()
        for text in playbook.examples
    ]


def small_examples():
    """Make the smallest set of examples that recognition can be trained on."""
    texts = {
        "low_stock": ("the merlot is low", "gin is running low"),
        "late": ("the van is late", "late delivery"),
    }
    return [TrainingExample(text, kind, {}) for kind in texts for text in texts[kind]]
