"""Which test shows that which threat is met: the rows of docs/reliability.md and the marks of the tests, held against each other.

``python -m tests.threats`` prints what is missing on either side; ``--write`` fills the table's last column.
"""

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "reliability.md"
ROW = re.compile(r"^\| ([A-E]\d{1,2}) \| (.*) \| (.*) \|(.*)\|$", re.MULTILINE)


def rows() -> dict[str, str]:
    """The numbers of the table with what their last column says."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return {number: tests.strip() for number, _, _, tests in ROW.findall(text)}


def marked() -> dict[str, list[str]]:
    """Every number that a test carries, with the tests as pytest names them. Read from the sources: nothing is imported."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        # Most files carry no mark, and parsing all takes a second.
        module = ast.parse(text if "threat(" in text else "")
        for number, name in _of_module(module):
            found[number].append(f"{path.relative_to(ROOT).as_posix()}::{name}")
    return dict(found)


def _of_module(tree: ast.Module) -> Iterator[tuple[str, str]]:
    everywhere = [
        number
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)
        for number in _numbers(node.value)
    ]
    for node in tree.body:
        yield from _of(node, everywhere)


def _of(node: ast.stmt, outer: list[str]) -> Iterator[tuple[str, str]]:
    """The numbers of a test, or of the tests in a class."""
    if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
        inner = [*outer, *(number for mark in node.decorator_list for number in _numbers(mark))]
        for child in node.body:
            yield from _of(child, inner)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
        own = [number for mark in node.decorator_list for number in _numbers(mark)]
        for number in dict.fromkeys([*outer, *own]):
            yield number, node.name


def _numbers(node: ast.AST) -> Iterator[str]:
    """The arguments of every ``threat(…)`` in this expression, also inside the parameters of a test."""
    for call in ast.walk(node):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "threat"
        ):
            for argument in call.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def cell(tests: list[str]) -> str:
    """The files with the marked tests, and how many each has."""
    counts = Counter(test.partition("::")[0].removeprefix("tests/") for test in tests)
    return ", ".join(f"{path} ({count})" for path, count in sorted(counts.items()))


def write() -> None:
    """Fill the last column of the table."""
    tests = marked()

    def line(found: re.Match[str]) -> str:
        number, threat, meets, _ = found.groups()
        return f"| {number} | {threat} | {meets} | {cell(tests.get(number, []))} |"

    DOCUMENT.write_text(ROW.sub(line, DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> int:
    if "--write" in sys.argv:
        write()
    known, tests = rows(), marked()
    for number in sorted(set(known) - set(tests)):
        print(f"{number}: no test is marked with it")
    for number in sorted(set(tests) - set(known)):
        print(
            f"{number}: is marked in {', '.join(tests[number])}, and is no row of {DOCUMENT.name}"
        )
    return 0 if set(known) == set(tests) else 1


if __name__ == "__main__":
    sys.exit(main())
