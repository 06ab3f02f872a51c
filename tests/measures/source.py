"""Python files, parsed once for every measure."""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTIONS)
LAYOUT = {
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
}
SKIPPED_FOLDERS = {".venv", "__pycache__", "node_modules"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Finding:
    """One place that a measure points at."""

    path: str
    line: int
    text: str
    #: Sorts the worst offenders first.
    weight: float = 1


class SourceFile:
    """One file: its text, tree and tokens."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = str(path), text
        self.tree = ast.parse(text, filename=self.path)
        self.lines = text.splitlines()

    def finding(self, node: ast.AST, text: str, weight: float = 1) -> Finding:
        """Point at the line of a node."""
        return Finding(self.path, getattr(node, "lineno", 1), text, weight)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> list[Function]:
        """Every function and method."""
        return [node for node in self.nodes if isinstance(node, FUNCTIONS)]

    @cached_property
    def classes(self) -> list[ast.ClassDef]:
        """Every class."""
        return [node for node in self.nodes if isinstance(node, ast.ClassDef)]

    @cached_property
    def docstrings(self) -> list[tuple[ast.AST, ast.Constant]]:
        """Every documented node with its docstring."""
        pairs = []
        for node in self.nodes:
            if not isinstance(node, DOCUMENTED) or not node.body:
                continue
            first = node.body[0]
            if isinstance(first, ast.Expr) and _is_text(first.value):
                pairs.append((node, first.value))
        return pairs

    @cached_property
    def _docstring_lines(self) -> set[int]:
        numbers: set[int] = set()
        for _, constant in self.docstrings:
            numbers.update(range(constant.lineno, (constant.end_lineno or constant.lineno) + 1))
        return numbers

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """Tokens of code: neither layout nor comments nor docstrings."""
        return [
            token
            for token in self._all_tokens
            if token.type not in LAYOUT
            and token.type != tokenize.COMMENT
            and token.start[0] not in self._docstring_lines
        ]

    @cached_property
    def _all_tokens(self) -> list[tokenize.TokenInfo]:
        return list(_join_fstrings(tokenize.generate_tokens(io.StringIO(self.text).readline)))

    @cached_property
    def comment_lines(self) -> int:
        """Lines with nothing but a comment."""
        comments = (token for token in self._all_tokens if token.type == tokenize.COMMENT)
        return sum(token.line.lstrip().startswith("#") for token in comments)

    @cached_property
    def code_lines(self) -> set[int]:
        """Numbers of the lines with at least one token of code."""
        numbers: set[int] = set()
        for token in self.tokens:
            numbers.update(range(token.start[0], token.end[0] + 1))
        return numbers


def _join_fstrings(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """Yield an f-string as one token, as Python 3.11 does."""
    start, depth = None, 0
    for token in tokens:
        kind = tokenize.tok_name[token.type]
        if kind == "FSTRING_START":
            start = start or token
            depth += 1
        elif kind == "FSTRING_END":
            depth -= 1
            if depth == 0 and start is not None:
                yield start._replace(type=tokenize.STRING, end=token.end)
                start = None
        elif depth == 0:
            yield token


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def read_files(paths: Iterable[str]) -> list[SourceFile]:
    """Parse every Python file at or below these paths."""
    files = []
    for path in paths:
        root = Path(path)
        if not root.exists():
            raise SystemExit(f"no such file or folder: {path}")
        for name in [root] if root.is_file() else sorted(root.rglob("*.py")):
            if not SKIPPED_FOLDERS & set(name.parts):
                files.append(SourceFile(name, name.read_text(encoding="utf-8")))
    return files


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Yield every statement of a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def walk_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield the expressions of one statement, not of those inside it."""
    pending = [child for child in ast.iter_child_nodes(statement) if _belongs(child)]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(child for child in ast.iter_child_nodes(node) if _belongs(child))


def _belongs(node: ast.AST) -> bool:
    return not isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case))
