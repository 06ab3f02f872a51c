"""Conditions of policy in CEL, the Common Expression Language.

A condition is compiled once, where its file is read. It knows the names in ``VARIABLES`` and no
others, calls only ``FUNCTIONS``, and has no loops, so its cost is bounded by its length.
"""

import difflib
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any

MAX_CONDITION = 500
MAX_COMPILED = 256
MAX_REASON = 200
#: A member that has any name: the facts of look-ups and the parameters of an action.
ANY_NAME = "*"

#: The names that a condition may use, with a value of their type and what they mean.
VARIABLES: Mapping[str, Mapping[str, tuple[Any, str]]] = {
    "plan": {
        "amount": (1.5, "what the plan moves, in the currency of policy; 0 for nothing"),
        "currency": ("GBP", "the currency of its actions; empty where it moves no money"),
        "steps": (1, "how many actions it has"),
        "reversible": (True, "whether every action can be undone"),
        "proposer": ("playbook", "who chose its parameters: playbook or person"),
        "requester": ("", "the account that raised it; empty where no person did"),
        "actions": (["house.order_stock"], "the names of its actions"),
        "targets": (["product:1"], "the targets of its actions"),
    },
    "action": {
        "name": ("house.order_stock", "the name of one action: true of any makes the rule hold"),
        "target": ("product:1", "its target"),
        "amount": (1.5, "what it moves, in the currency of policy; 0 for nothing"),
        "reversible": (True, "whether it can be undone"),
        "parameters": ({}, "its parameters by name"),
    },
    "case": {
        "kind": ("low_stock", "the kind of the case"),
        "source": ("house", "the source of its signal"),
        "channel": ("C0", "the channel of its card"),
        "stake": (1.5, "what is at stake, in the currency of policy; missing where unknown"),
    },
    "used": {
        "target_amount": (1.5, "what went to the target most used in the window of policy"),
        "requester_amount": (1.5, "what the requester moved in the window of policy"),
    },
    "time": {
        "hour": (9, "the hour in the zone of the channel, 0 to 23"),
        "weekday": ("mon", "the day there: mon, tue, wed, thu, fri, sat or sun"),
        "date": ("2026-11-26", "the date there"),
    },
    "facts": {ANY_NAME: ({}, "the facts of the signal and of each look-up by its name")},
}
FUNCTIONS = ("size", "contains", "startsWith", "endsWith", "has", "int", "double", "string")
_LITERALS = ("true", "false", "null", "in")
_OPEN = frozenset({("facts", ANY_NAME), ("action", "parameters")})

_STRING = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_PATH = re.compile(r"[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*(\s*\()?")
_UNKNOWN_FACT = re.compile(r"\b(facts|parameters)\b")
# What would hide names from this reading of the text, or build values without a bound.
_FORBIDDEN = (
    ("\\", "a backslash"),
    ("'''", "a text of several lines"),
    ('"""', "a text of several lines"),
    ("//", "a comment"),
    ("`", "a quoted name"),
)
_BUILT = ("{", "a map is built")


class ConditionInvalid(ValueError):
    """The condition cannot be compiled; the text says why."""


class ConditionFailed(Exception):
    """The condition cannot be evaluated over these values; the text says why."""


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A compiled condition."""

    text: str
    program: Any

    @property
    def is_of_action(self) -> bool:
        """Tell whether it speaks of one action, and is asked of each."""
        return "action" in self.program.variables()

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Evaluate it.

        Raises:
            ConditionFailed: a value is missing or of another type, or the result is no truth value.
        """
        try:
            result = self.program.execute(dict(values))
        except KeyError as error:
            raise ConditionFailed(f"{error.args[0]} is not known") from None
        except (ValueError, TypeError, ArithmeticError, RuntimeError) as error:
            raise ConditionFailed(_first_sentence(error)) from None
        if not isinstance(result, bool):
            raise ConditionFailed("the result is neither true nor false")
        return result


def check_condition(text: str) -> str:
    """Return the condition unchanged.

    Raises:
        ValueError: it cannot be compiled.
    """
    compile_condition(text)
    return text


@lru_cache(maxsize=MAX_COMPILED)
def compile_condition(text: str) -> CompiledCondition:
    """Compile a condition, and try it on a value of each type.

    Raises:
        ConditionInvalid: it is too long, uses another name or function, or is not boolean.
    """
    if len(text) > MAX_CONDITION:
        raise ConditionInvalid(f"has {len(text)} characters; at most {MAX_CONDITION}")
    for mark, name in _FORBIDDEN:
        if mark in text:
            raise ConditionInvalid(f"has {name}, which conditions go without")
    _check_names(_STRING.sub("''", text))
    try:
        program = _cel().compile(text)
    except (ValueError, RuntimeError) as error:
        raise ConditionInvalid(f"not a condition in CEL: {_first_sentence(error)}") from None
    condition = CompiledCondition(text, program)
    _check_program(condition)
    return condition


@lru_cache(maxsize=1)
def _cel() -> ModuleType:
    """Import the compiled part of the library alone.

    Its package also imports a command line with libraries for terminals: 27 MB and 0.15 s more.
    """
    package = importlib.util.find_spec("cel")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec("cel.cel", places) if places else None
    if spec is None or spec.loader is None:
        raise ConditionInvalid("the library common-expression-language is not installed")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _check_names(text: str) -> None:
    """Require known names in a condition without its texts."""
    if _BUILT[0] in text:
        raise ConditionInvalid(f"{_BUILT[1]}, which conditions go without")
    for match in _PATH.finditer(text):
        path = [part.strip() for part in match[0].rstrip("( \n\t").split(".")]
        if match[1]:
            _check_function(path.pop())
        elif text[: match.start()].rstrip().endswith("."):
            raise ConditionInvalid(f".{path[0]} is asked of a value that has no members")
        if path and not (len(path) == 1 and path[0] in _LITERALS):
            _check_path(path)


def _check_function(name: str) -> None:
    if name not in FUNCTIONS:
        hint = did_you_mean(name, FUNCTIONS)
        raise ConditionInvalid(f"there is no function {name}{hint or _list(FUNCTIONS)}")


def _check_path(path: list[str]) -> None:
    members = VARIABLES.get(path[0])
    if members is None:
        full_names = [f"{name}.{member}" for name in VARIABLES for member in VARIABLES[name]]
        hint = did_you_mean(path[0], VARIABLES) or did_you_mean(path[0], full_names)
        hint = hint or _owner_hint(path[0])
        raise ConditionInvalid(f"there is no {'.'.join(path)}{hint or _list(VARIABLES)}")
    if len(path) == 1:
        raise ConditionInvalid(f"{path[0]} alone says nothing: name one of its members")
    if ANY_NAME in members:
        return
    if path[1] not in members:
        options = [f"{path[0]}.{member}" for member in members]
        name = f"{path[0]}.{path[1]}"
        raise ConditionInvalid(f"there is no {name}{did_you_mean(name, options) or _list(options)}")
    if len(path) > 2 and (path[0], path[1]) not in _OPEN:
        raise ConditionInvalid(f"{path[0]}.{path[1]} has no members")


def _owner_hint(name: str) -> str:
    """Say of which variable this is a member."""
    owners = [f"{owner}.{name}" for owner, members in VARIABLES.items() if name in members]
    return f"; did you mean {' or '.join(owners)}?" if owners else ""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Ask whether the nearest option was meant; empty where none is near."""
    matches = difflib.get_close_matches(name, list(options), n=1)
    return f"; did you mean {matches[0]}?" if matches else ""


def _list(options: Iterable[str]) -> str:
    return f"; there are {', '.join(options)}"


def _check_program(condition: CompiledCondition) -> None:
    references = condition.program.references()
    # The library's own reading, should ours have missed a name or a loop.
    if not set(references["variables"]) <= VARIABLES.keys():
        raise ConditionInvalid("has a loop or an unknown name, which conditions go without")
    if {"@not_strictly_false", "_[_]"} & set(references["functions"]):
        raise ConditionInvalid("has a loop or an index, which conditions go without")
    try:
        condition.holds(example_values())
    except ConditionFailed as failure:
        # Facts and parameters are known only when a case is judged.
        is_open = _UNKNOWN_FACT.search(condition.text) and "neither true" not in str(failure)
        if not is_open:
            raise ConditionInvalid(str(failure)) from None


def example_values() -> dict[str, dict[str, Any]]:
    """Return a value of the right type for each name."""
    return {
        name: {member: value for member, (value, _) in members.items() if member != ANY_NAME}
        for name, members in VARIABLES.items()
    }


def compared_names(text: str, path: str) -> Iterator[str]:
    """Yield the texts that a condition compares with a name."""
    name = re.escape(path)
    for match in re.finditer(rf"{name}\s*(?:==|!=)\s*(?:'([^']*)'|\"([^\"]*)\")", text):
        yield match[1] or match[2] or ""
    for match in re.finditer(rf"{name}\s+in\s+\[([^\]]*)\]", text):
        for literal in _STRING.findall(match[1]):
            yield literal[1:-1]


def fact_names(text: str) -> list[str]:
    """List the look-ups whose facts a condition uses."""
    return re.findall(r"\bfacts\s*\.\s*([A-Za-z_]\w*)", _STRING.sub("''", text))


def parameter_names(text: str) -> list[str]:
    """List the parameters of actions that a condition uses."""
    pattern = r"\baction\s*\.\s*parameters\s*\.\s*([A-Za-z_]\w*)"
    return re.findall(pattern, _STRING.sub("''", text))


def _first_sentence(error: BaseException) -> str:
    """Return the first line of an error, without marks of position."""
    text = " ".join(str(error).split())
    text = re.sub(r"^Failed to parse expression .*?ERROR: <input>:\d+:(\d+): ", r"at \1: ", text)
    text = text.split(" | ")[0].split(". Check that")[0].split(". CEL does not coerce")[0]
    text = text.split(" expecting {")[0][:MAX_REASON]
    if text.startswith("Unsupported operation: ") and "float" in text and "int" in text:
        # CEL compares numbers of both types, and calculates only with numbers of one.
        return f"{text}: write 2.0 where an amount is calculated with"
    return text
