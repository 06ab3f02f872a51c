"""``recognition.yml``: which verified behaviour earns points."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from bot.cases.merit_rules import MeritRules
from knowledge.library.yaml_files import locate, read

FILE_NAME = "recognition.yml"


@dataclass(frozen=True, slots=True)
class RecognitionFile:
    #: The rules of recognition.
    recognition: MeritRules = field(default_factory=MeritRules)


def read_recognition(path: Path) -> MeritRules:
    """Read the rules of recognition. Without the file nothing is recognised."""
    if not path.exists():
        return MeritRules()
    document, _ = read(path, RecognitionFile)
    return document.recognition


def check_merit_kinds(folder: Path, rules: MeritRules, kinds: Collection[str]) -> list[str]:
    """List rules about kinds that no playbook handles."""
    complaints = []
    for merit, rule in rules.merits.items():
        for kind in rule.kinds:
            if kind not in kinds:
                place = locate(folder / FILE_NAME, ("recognition", "merits", merit.value, "kinds"))
                complaints.append(f"{place}: {merit} names {kind}, which no playbook handles")
    return complaints
