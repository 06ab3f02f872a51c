"""``programs.yml``: the callers that ask for approvals and are told of decisions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from bot.cases.constraints import KEYED
from bot.cases.program import Program
from knowledge.library.yaml_files import read

FILE_NAME = "programs.yml"


@dataclass(frozen=True, slots=True)
class ProgramsFile:
    programs: Annotated[Mapping[str, Program], KEYED] = field(default_factory=dict)


def read_programs(path: Path) -> Mapping[str, Program]:
    """Read the programs by name; none where there is no file."""
    if not path.exists():
        return {}
    document, _ = read(path, ProgramsFile)
    return document.programs
