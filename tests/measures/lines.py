"""Lines and expressions: how much one line and one statement do."""

import ast

from tests.measures.source import Finding, SourceFile, statements, walk_expressions

MAX_LINE_LENGTH = 100
MANY_POSITIONALS = 5
MANY_ARGUMENTS = 4
MANY_FIELDS = 5
# Functions that take any number of like things: columns, conditions, patterns.
VARIADIC_CALLS = frozenset(
    {
        "Table",
        "Index",
        "create_table",
        "table",
        "select",
        "where",
        "and_",
        "or_",
        "case",
        "ignore_patterns",
        "phrase",
    }
)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def long_lines(files: list[SourceFile]) -> list[Finding]:
    """Find lines of more than 100 characters."""
    return [
        Finding(file.path, number, f"{len(line)} characters", len(line))
        for file in files
        for number, line in enumerate(file.lines, 1)
        if len(line) > MAX_LINE_LENGTH
    ]


def dense_files(files: list[SourceFile]) -> list[Finding]:
    """Return every file with its tokens a code line as the weight."""
    findings = []
    for file in files:
        if file.code_lines:
            density = len(file.tokens) / len(file.code_lines)
            findings.append(Finding(file.path, 1, f"{density:.1f} tokens a code line", density))
    return findings


def of_type(files: list[SourceFile], types: type | tuple[type, ...]) -> list[Finding]:
    """Find every node of these types."""
    return [
        file.finding(node, ast.unparse(node).split("\n")[0][:100])
        for file in files
        for node in file.nodes
        if isinstance(node, types)
    ]


def nested_conditionals(files: list[SourceFile]) -> list[Finding]:
    """Find statements with more than one conditional expression."""
    findings = []
    for file in files:
        for statement in statements(file.tree):
            ternaries = [
                node for node in walk_expressions(statement) if isinstance(node, ast.IfExp)
            ]
            if len(ternaries) > 1:
                text = f"{len(ternaries)} conditional expressions"
                findings.append(file.finding(statement, text, len(ternaries)))
    return findings


def positional_calls(files: list[SourceFile]) -> list[Finding]:
    """Find calls with five or more positional arguments."""
    findings = []
    for file in files:
        for call in _calls(file):
            if len(call.args) >= MANY_POSITIONALS:
                text = f"{len(call.args)} positional: {ast.unparse(call.func)}(…)"
                findings.append(file.finding(call, text, len(call.args)))
    return findings


def calls_without_keywords(files: list[SourceFile]) -> list[Finding]:
    """Find calls with four or more arguments and no keyword among them.

    Calls that are variadic by design have no keywords to name.
    """
    findings = []
    for file in files:
        for call in _calls(file):
            is_long = len(call.args) >= MANY_ARGUMENTS and not call.keywords
            if is_long and _called_name(call) not in VARIADIC_CALLS:
                text = f"{len(call.args)} without keywords: {ast.unparse(call.func)}(…)"
                findings.append(file.finding(call, text, len(call.args)))
    return findings


def _called_name(call: ast.Call) -> str:
    """Return the name of the function; empty for a call of an expression."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _calls(file: SourceFile) -> list[ast.Call]:
    return [node for node in file.nodes if isinstance(node, ast.Call)]


def positional_dataclasses(files: list[SourceFile]) -> list[Finding]:
    """Find dataclasses of five or more fields that are not kw_only."""
    findings = []
    for file in files:
        for node in file.classes:
            options = _dataclass_options(node)
            if options is None or "kw_only" in options:
                continue
            fields = sum(isinstance(statement, ast.AnnAssign) for statement in node.body)
            if fields >= MANY_FIELDS and not _has_kw_only_mark(node):
                findings.append(file.finding(node, f"{node.name}: {fields} fields", fields))
    return findings


def _dataclass_options(node: ast.ClassDef) -> set[str] | None:
    """Return the options of a dataclass; None for other classes."""
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(call).split(".")[-1] == "dataclass":
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            return {word.arg for word in keywords if word.arg and ast.unparse(word.value) == "True"}
    return None


def _has_kw_only_mark(node: ast.ClassDef) -> bool:
    marks = (statement for statement in node.body if isinstance(statement, ast.AnnAssign))
    return any("KW_ONLY" in ast.unparse(mark.annotation) for mark in marks)
