"""The kinds of case in which people decide about the desk.

Beside them its actions on itself. No file declares them, so that no change of a file can take them
away.
"""

#: The desk as a system of its own, and its actions.
DESK_SYSTEM = "desk"
CHANGE_STAGE = f"{DESK_SYSTEM}.change_stage"
ADOPT_RULES = f"{DESK_SYSTEM}.adopt_rules"
ADOPT_STANDING_RULE = f"{DESK_SYSTEM}.adopt_standing_rule"
KEEP_STANDING_RULE = f"{DESK_SYSTEM}.keep_standing_rule"
STANDING_RULE_ACTIONS = (ADOPT_STANDING_RULE, KEEP_STANDING_RULE)
ADOPT_VERSION = f"{DESK_SYSTEM}.adopt_version"
#: The source of its signals.
DESK_SOURCE = "desk"
#: The group of all cases of that source, where cases are counted by kind.
ASSISTANT = "assistant"
RULES_KIND = "changed_rules"
_STAGE_PREFIX = "stage_of_"
_STANDING_RULE_PREFIX = "rule_of_"
_VERSION_PREFIX = "version_of_"
_PREFIXES = (_STAGE_PREFIX, _STANDING_RULE_PREFIX, _VERSION_PREFIX)


def stage_kind(kind: str) -> str:
    """Name the kind of case that decides the stages of another kind."""
    return f"{_STAGE_PREFIX}{kind}"


def is_stage_kind(kind: str) -> bool:
    """Tell whether cases of this kind decide a stage."""
    return kind.startswith(_STAGE_PREFIX)


def standing_rule_kind(kind: str) -> str:
    """Name the kind of case that decides a kind's standing rules."""
    return f"{_STANDING_RULE_PREFIX}{kind}"


def is_standing_rule_kind(kind: str) -> bool:
    """Tell whether cases of this kind decide a standing rule."""
    return kind.startswith(_STANDING_RULE_PREFIX)


def version_kind(kind: str) -> str:
    """Name the kind of case that decides the version of another kind."""
    return f"{_VERSION_PREFIX}{kind}"


def is_version_kind(kind: str) -> bool:
    """Tell whether cases of this kind decide a version."""
    return kind.startswith(_VERSION_PREFIX)


def concerned_kind(kind: str) -> str:
    """Return the kind that such cases decide about; others as they are."""
    for prefix in _PREFIXES:
        if kind.startswith(prefix):
            return kind.removeprefix(prefix)
    return kind


def counted_kind(kind: str, source: str) -> str:
    """Return the kind under which a case is counted.

    Decisions about the assistant are one group, and no part of the business.
    """
    return ASSISTANT if source == DESK_SOURCE else kind
