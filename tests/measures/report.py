"""Every measure with its bound, as a table and as JSON."""

import ast
import json
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.measures import lines, names, sentences, structure
from tests.measures.source import Finding, SourceFile, read_files

WIRING = "wiring.py"
ROOMS = ("cases", "desk", "store")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number, and what it may be at most (or at least)."""

    name: str
    value: float
    detail: str = ""
    #: None for a number that is only shown.
    bound: float | None = None
    is_minimum: bool = False
    #: Bounds of the acceptance decide the exit status of ``--strict``; the others are rules.
    is_acceptance: bool = False
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Tell whether the bound holds; a measure without one always does."""
        if self.bound is None:
            return True
        return self.value >= self.bound if self.is_minimum else self.value <= self.bound


def measure(paths: list[str]) -> list[Measure]:
    """Take every measure of the files at these paths."""
    files = read_files(paths)
    return [
        *_measure_names(files),
        *_measure_sentences(files, paths),
        *_measure_lines(files),
        *_measure_rates(files),
        *_measure_statements(files),
        *_measure_structure(files),
        *_measure_tests(paths),
    ]


def _measure_names(files: list[SourceFile]) -> list[Measure]:
    totals, findings = names.participles(files)
    superlatives = names.superlatives(files)
    aliases, uses = names.single_letter_aliases(files)
    duplicates = names.duplicate_classes(files)
    return [
        _measure_participles("locals and parameters", ("local", "parameter"), totals, findings),
        _measure_participles("attributes", ("attribute",), totals, findings),
        _measure_participles("functions", ("function",), totals, findings),
        _count("superlative constants", superlatives, is_acceptance=True),
        _count("single-letter module aliases", aliases, detail=f"{uses} uses"),
        _count("public classes that share a name", duplicates),
    ]


def _measure_participles(
    title: str, roles: tuple[str, ...], totals: Counter[str], findings: list[Finding]
) -> Measure:
    places = [place for place in findings if place.text.split()[0] in roles]
    total = sum(totals[role] for role in roles)
    return Measure(
        name=f"participle names: {title}",
        value=len(places),
        detail=f"{100 * len(places) / (total or 1):.1f} % of {total}",
        bound=0,
        is_acceptance=True,
        findings=places,
    )


def _count(
    name: str, findings: list[Finding], *, detail: str = "", is_acceptance: bool = False
) -> Measure:
    return Measure(
        name=name,
        value=len(findings),
        detail=detail,
        bound=0,
        is_acceptance=is_acceptance,
        findings=findings,
    )


def _measure_sentences(files: list[SourceFile], paths: list[str]) -> list[Measure]:
    first_lines = sentences.first_lines(files)
    clauses = sentences.clause_openings(first_lines)
    long = sentences.long_first_lines(first_lines)
    total = len(first_lines) or 1
    return [
        Measure(
            name="docstrings that open with What, Who, Those …",
            value=len(clauses),
            detail=f"{100 * len(clauses) / total:.1f} % of {len(first_lines)}",
            bound=0,
            findings=clauses,
        ),
        Measure(
            name="docstring first lines over 12 words",
            value=len(long),
            detail=f"{100 * len(long) / total:.1f} % of {len(first_lines)}",
            bound=0,
            findings=long,
        ),
        Measure(
            name="docstring first line, median words",
            value=sentences.median_words(first_lines),
            bound=10,
        ),
        *_measure_d401(paths),
    ]


def _measure_d401(paths: list[str]) -> list[Measure]:
    """Ask ruff about the imperative mood, if there is a ruff."""
    beside = Path(sys.executable).with_name("ruff")
    ruff = next(
        (str(path) for path in (beside, Path(".venv/bin/ruff")) if path.exists()),
        shutil.which("ruff"),
    )
    if ruff is None:
        return []
    options = ["check", "--select", "D401", "--output-format", "json", "--exit-zero"]
    answer = subprocess.run([ruff, *options, *paths], capture_output=True, text=True, check=True)
    findings = [
        Finding(_relative(one["filename"]), one["location"]["row"], one["message"])
        for one in json.loads(answer.stdout)
    ]
    return [_count("docstrings not imperative (ruff D401)", findings, is_acceptance=True)]


def _relative(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _measure_lines(files: list[SourceFile]) -> list[Measure]:
    long = lines.long_lines(files)
    line_count = sum(len(file.lines) for file in files) or 1
    code_count = sum(len(file.code_lines) for file in files) or 1
    token_count = sum(len(file.tokens) for file in files)
    comment_count = sum(file.comment_lines for file in files)
    return [
        Measure(
            name="tokens a code line",
            value=round(token_count / code_count, 2),
            detail=f"{code_count} code lines",
            bound=7.5,
            is_acceptance=True,
            findings=lines.dense_files(files),
        ),
        Measure(
            name="lines over 100 characters",
            value=len(long),
            detail=f"{100 * len(long) / line_count:.1f} % of {line_count}",
            bound=0,
            is_acceptance=True,
            findings=long,
        ),
        Measure(
            name="comment lines, %",
            value=round(100 * comment_count / line_count, 2),
            detail=f"{comment_count} lines",
            bound=2,
            is_minimum=True,
            is_acceptance=True,
        ),
    ]


def _measure_rates(files: list[SourceFile]) -> list[Measure]:
    """Count what is allowed now and then, per thousand lines of code."""
    code_count = sum(len(file.code_lines) for file in files) or 1
    rates = (
        ("ternaries", lines.of_type(files, ast.IfExp), 14, True),
        ("comprehensions", lines.of_type(files, lines.COMPREHENSIONS), 25, True),
        ("lambdas", lines.of_type(files, ast.Lambda), 2, False),
        ("calls with ≥ 5 positionals", lines.positional_calls(files), 1, True),
    )
    return [
        Measure(
            name=f"{name} per 1,000 lines",
            value=round(1000 * len(findings) / code_count, 2),
            detail=f"{len(findings)}",
            bound=bound,
            is_acceptance=is_acceptance,
            findings=findings,
        )
        for name, findings, bound, is_acceptance in rates
    ]


def _measure_statements(files: list[SourceFile]) -> list[Measure]:
    return [
        _count("statements with nested conditionals", lines.nested_conditionals(files)),
        _count("calls of ≥ 4 arguments without keywords", lines.calls_without_keywords(files)),
        _count("dataclasses of ≥ 5 fields not kw_only", lines.positional_dataclasses(files)),
    ]


def _measure_structure(files: list[SourceFile]) -> list[Measure]:
    functions = structure.function_lengths(files)
    lengths = [function.weight for function in functions]
    imports = structure.local_imports(files)
    classes = structure.large_classes(files)
    return [
        Measure(
            name="function lines, p95",
            value=structure.percentile(lengths, 0.95),
            detail=f"p50 {structure.percentile(lengths, 0.5):g}, max {max(lengths, default=0):g}",
            bound=30,
            is_acceptance=True,
            findings=functions,
        ),
        _count("classes over 20 methods or 15 fields", classes, is_acceptance=True),
        Measure(
            name="function-local imports",
            value=len(imports),
            bound=10,
            is_acceptance=True,
            findings=imports,
        ),
        *(_measure_fan_out(file) for file in files if Path(file.path).name == WIRING),
    ]


def _measure_fan_out(file: SourceFile) -> Measure:
    modules = structure.fan_out(file)
    return Measure(
        name=f"fan-out of {file.path}",
        value=len(modules),
        detail=f"{len(file.lines)} lines",
        bound=40,
        is_acceptance=True,
        findings=[Finding(path=file.path, line=1, text=module) for module in sorted(modules)],
    )


def _measure_tests(paths: list[str]) -> list[Measure]:
    """Compare test lines with product lines, when the whole product is measured."""
    if "bot" not in paths or not Path("tests").is_dir():
        return []
    product = [room for room in structure.PRODUCT if Path(room).is_dir()]
    measures = [_ratio("test : code", ["tests"], product)]
    for room in ROOMS:
        tests, code = f"tests/{room}", f"bot/{room}"
        if Path(tests).is_dir() and Path(code).is_dir():
            measures.append(_ratio(f"test : code, {room}", [tests], [code], bound=1))
    return measures


def _ratio(name: str, tests: list[str], code: list[str], bound: float | None = None) -> Measure:
    test_lines, code_lines = (
        sum(len(file.code_lines) for file in read_files(paths)) for paths in (tests, code)
    )
    return Measure(
        name=name,
        value=round(test_lines / (code_lines or 1), 2),
        detail=f"{test_lines} : {code_lines}",
        bound=bound,
        is_minimum=True,
    )


def as_table(measures: list[Measure], worst: int) -> str:
    """Lay the measures out, the worst offenders below each."""
    rows = []
    for one in measures:
        rows.append(f"{_mark(one)} {one.name:<46}{one.value:>8g}  {_bound(one):<9}{one.detail}")
        rows += [f"      {place}" for place in _worst(one, worst)]
    return "\n".join(rows)


def _mark(one: Measure) -> str:
    if one.bound is None:
        return " "
    return "✓" if one.is_met else "✗"


def _bound(one: Measure) -> str:
    if one.bound is None:
        return ""
    sign = "≥" if one.is_minimum else "≤"
    return f"{sign} {one.bound:g}{'' if one.is_acceptance else ' r'}"


def _worst(one: Measure, count: int) -> list[str]:
    places = sorted(one.findings, key=lambda finding: finding.weight, reverse=True)
    return [f"{place.path}:{place.line}  {place.text}" for place in places[:count]]


def as_json(measures: list[Measure], worst: int) -> str:
    """Write the measures for a program."""
    return json.dumps(
        [
            {
                "name": one.name,
                "value": one.value,
                "detail": one.detail,
                "bound": one.bound,
                "is_minimum": one.is_minimum,
                "is_acceptance": one.is_acceptance,
                "is_met": one.is_met,
                "worst": _worst(one, worst),
            }
            for one in measures
        ],
        indent=1,
        ensure_ascii=False,
    )
