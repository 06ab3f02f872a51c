"""Read the worked examples of docs/contributing.md and apply them to a tree.

An example is a heading of the third level. In it a path in bold stands before each fence: a new
file whole, or a diff. In a diff ``@@`` separates places, and the lines that are there already must
be found once in the file.
"""

import re
from dataclasses import dataclass
from pathlib import Path

HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
FILE = re.compile(
    r"^\*\*`(?P<path>[^`]+)`\*\*[^\n]*\n\n```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class FileChange:
    """One file of an example."""

    path: str
    is_diff: bool
    text: str

    @property
    def is_of_product(self) -> bool:
        """Tell whether it is neither a test nor documentation."""
        return not self.path.startswith(("tests/", "docs/"))

    def apply(self, root: Path) -> None:
        """Write the file below ``root``, or edit it there."""
        file = root / self.path
        if not self.is_diff:
            assert not file.exists(), f"{self.path} is there already"
            file.write_text(self.text)
            return
        file.write_text(apply_diff(file.read_text(), self.text, self.path))


def read_examples(document: str) -> dict[str, list[FileChange]]:
    """Return the files of each example, by its heading."""
    _, *parts = HEADING.split(document)
    examples: dict[str, list[FileChange]] = {}
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        # The next section is none of the example.
        body = body.partition("\n## ")[0]
        changes = [
            FileChange(match["path"], match["language"] == "diff", match["text"])
            for match in FILE.finditer(body)
        ]
        if changes:
            examples[heading] = changes
    return examples


def apply_diff(text: str, diff: str, path: str) -> str:
    """Return the text after every place of the diff.

    A place that is not found, or found twice, is an assertion error.
    """
    lines = text.splitlines()
    for place in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        before = [line[1:] for line in place.splitlines() if not line.startswith("+")]
        after = [line[1:] for line in place.splitlines() if not line.startswith("-")]
        starts = [at for at in range(len(lines)) if lines[at : at + len(before)] == before]
        assert len(starts) == 1, f"{path}: found {len(starts)} times:\n" + "\n".join(before)
        lines[starts[0] : starts[0] + len(before)] = after
    return "\n".join(lines) + "\n"
