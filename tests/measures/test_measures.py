"""The measures count right on a small text."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.measures import calls, lines, names, report, rooms, sentences, structure
from tests.measures.source import read_files
from tests.measures.words import is_participle, is_superlative

ROOT = Path(__file__).parents[2]
SAMPLE = '''\
"""A sample."""

import json as j
from dataclasses import dataclass

# The reason for the odd number.
MOST_ROWS = 7
MAX_ROWS = 8


@dataclass
class Order:
    """What was ordered, said in far more words than a first line should ever have to carry."""

    buyer: str
    seller: str
    shipped: bool
    price: int
    currency: str


class _Order:
    pass


def asked(rows, given=()):
    """Return the rows."""
    import re

    found = [row for row in rows if row] if rows else []
    for seed in given:
        found.append(j.dumps(seed) if seed else "" if found else "none")
    with open("x") as kept:
        re.sub("a", "b", "c", 0, 0)
        Order("a", "b", True, 4)
    left, right = found, kept
    return max(found, key=lambda row: row), left, right
'''


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(SAMPLE)
    return read_files([str(tmp_path)])


def texts(findings):
    return [finding.text for finding in findings]


@pytest.mark.parametrize("name", ["asked", "_drawn", "told_", "ordered", "GIVEN", "unsaid"])
def test_a_participle_is_one_word(name):
    assert is_participle(name)


@pytest.mark.parametrize(
    "name", ["seed", "is_drawn", "drawn_at", "red", "rows", "ask", "_", "expected"]
)
def test_field_terms_and_longer_names_are_no_participles(name):
    assert not is_participle(name)


def test_superlatives_are_prefixes():
    assert is_superlative("_MOST_ROWS")
    assert not is_superlative("ALMOST_ROWS")


def test_names_are_counted_by_role(sample):
    totals, findings = names.participles(sample)
    assert totals == {"function": 1, "parameter": 3, "local": 6, "attribute": 5}
    assert sorted(texts(findings)) == [
        "attribute shipped",
        "function asked",
        "local found",
        "local kept",
        "parameter given",
    ]
    assert texts(names.superlatives(sample)) == ["MOST_ROWS"]


def test_read_is_a_participle_only_as_a_variable(tmp_path):
    (tmp_path / "read.py").write_text("def read(read):\n    read = 1\n    return read\n")
    _, findings = names.participles(read_files([str(tmp_path)]))
    assert texts(findings) == ["local read"]


def test_a_field_of_stored_json_keeps_its_name(tmp_path):
    (tmp_path / "case.py").write_text("class Citation:\n    ended: bool\n    shown: bool\n")
    _, findings = names.participles(read_files([str(tmp_path)]))
    assert texts(findings) == ["attribute shown"]


def test_single_letter_aliases_and_their_uses(sample):
    findings, uses = names.single_letter_aliases(sample)
    assert (texts(findings), uses) == (["json as j"], 1)


def test_public_classes_that_share_a_name(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.py").write_text("class Same:\n    pass\n\n\nclass _Own:\n    pass\n")
    assert texts(names.duplicate_classes(read_files([str(tmp_path)]))) == ["class Same"] * 2


def test_first_lines_of_docstrings(sample):
    first_lines = sentences.first_lines(sample)
    assert sorted(len(words) for _, words in first_lines) == [2, 3, 17]
    assert [place.line for place in sentences.clause_openings(first_lines)] == [13]
    assert [place.line for place in sentences.long_first_lines(first_lines)] == [13]
    assert sentences.median_words(first_lines) == 3


def test_expressions_are_counted(sample):
    (ternary, *others) = lines.nested_conditionals(sample)
    assert (ternary.line, others) == (32, [])
    assert [place.line for place in lines.positional_calls(sample)] == [34]
    assert [place.line for place in lines.calls_without_keywords(sample)] == [34, 35]
    assert texts(lines.positional_dataclasses(sample)) == ["Order: 5 fields"]
    assert lines.long_lines(sample) == []


def test_a_call_that_is_variadic_by_design_needs_no_keywords(tmp_path):
    path = tmp_path / "calls.py"
    path.write_text("Table(1, 2, 3, 4)\nop.create_table(1, 2, 3, 4)\nf(1)(1, 2, 3, 4)\n")
    assert [place.line for place in lines.calls_without_keywords(read_files([str(path)]))] == [3]


def test_docstrings_and_comments_are_no_code(tmp_path):
    path = tmp_path / "small.py"
    path.write_text('"""Words."""\n\n# Why.\nx = f"{1} a"  # how\ny = (\n    2\n)\n')
    (file,) = read_files([str(path)])
    assert file.code_lines == {4, 5, 6, 7}
    assert len(file.tokens) == 3 + 5
    assert file.comment_lines == 1


def test_large_classes_and_local_imports(sample, tmp_path):
    methods = "".join(f"    def m{number}(self): self.f{number} = 1\n" for number in range(21))
    (tmp_path / "large.py").write_text(f"class Large:\n{methods}")
    (large,) = structure.large_classes(read_files([str(tmp_path / "large.py")]))
    assert large.text == "Large: 21 methods, 21 fields"
    assert texts(structure.local_imports(sample)) == ["import re"]


def test_a_percentile_is_one_of_the_values():
    assert structure.percentile([1, 2, 3, 40], 0.5) == 2
    assert structure.percentile([1, 2, 3, 40], 0.95) == 40
    assert structure.percentile([], 0.5) == 0


def test_fan_out_counts_modules_of_the_product(tmp_path):
    (tmp_path / "bot/cases").mkdir(parents=True)
    (tmp_path / "bot/cases/plan.py").touch()
    wiring = tmp_path / "bot/wiring.py"
    wiring.write_text("import json\nimport bot.clock\nfrom bot.cases import plan, Case\n")
    (file,) = read_files([str(wiring)])
    assert structure.fan_out(file) == {"bot.clock", "bot.cases.plan", "bot.cases"}


def test_strict_fails_where_a_bound_is_missed(tmp_path):
    (tmp_path / "bad.py").write_text("asked = 1\n")
    (tmp_path / "good.py").write_text("# One.\nx = 1\n")

    def run(name, *options):
        command = [sys.executable, "-m", "tests.measures", str(tmp_path / name), *options]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    assert run("bad.py").returncode == 0
    assert run("bad.py", "--strict").returncode == 1
    assert run("good.py", "--strict").returncode == 0
    measures = json.loads(run("bad.py", "--json", "--worst", "1").stdout)
    (participles, *_) = measures
    assert participles["value"] == 1
    assert participles["worst"] == [f"{tmp_path}/bad.py:1  local asked"]


def test_the_table_marks_a_missed_bound():
    measure = report.Measure(name="lines over 100", value=3, bound=0, is_acceptance=True)
    assert report.as_table([measure], 0).startswith("✗ lines over 100")


def covered(statements, missing_lines, branches, missing_branches):
    summary = {
        "num_statements": statements,
        "covered_lines": statements - len(missing_lines),
        "num_branches": branches,
        "covered_branches": branches - len(missing_branches),
    }
    return {
        "summary": summary,
        "missing_lines": missing_lines,
        "missing_branches": missing_branches,
    }


def test_coverage_is_gathered_by_room_and_held_against_its_bound():
    report_ = {
        "files": {
            "bot/cases/plan.py": covered(10, [7], 4, [[6, 7], [8, -1]]),
            "bot/cases/case.py": covered(6, [], 0, []),
            "bot/desk/intake.py": covered(95, [], 5, [[1, 2]]),
            "scheduler/loop.py": covered(1, [1], 0, []),
        }
    }
    by_name = {room.name: room for room in rooms.read_rooms(report_)}
    assert {name: round(room.percent) for name, room in by_name.items()} == {
        "bot/cases": 85,
        "bot/desk": 99,
        "scheduler": 0,
    }
    assert {name for name, room in by_name.items() if not room.is_met} == {"bot/cases"}
    # The branch into a line that never ran is that same gap.
    assert by_name["bot/cases"].gaps == ["bot/cases/plan.py:7", "bot/cases/plan.py:8->exit"]
    assert rooms.as_gaps(list(by_name.values())) == "  bot/cases/plan.py: 7, 8->exit"
    assert "✗ bot/cases" in rooms.as_table(list(by_name.values()))


def test_calls_are_counted_once_per_start_in_every_thread():
    counter = calls.CallCounter((str(Path(__file__).parent),))

    def three():
        yield from range(3)

    def work():
        assert [number for number in three()] == [number for number in range(3)]  # noqa: C416

    with counter.install():
        work()
        with counter.count():
            work()
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    by_name = {code.co_name: count for code, count in counter.calls.items()}
    assert by_name == {"three": 2, "work": 2}


def test_both_ways_are_walked():
    signal, press = calls.measure()
    for way in (signal, press):
        assert way.total > way.functions > way.files > 10
    assert any(code.co_name == "approve" for code in press.calls)
    assert any(code.co_name == "case_card" for code in signal.calls)
