"""Text that addresses a machine instead of telling what happened.

This is a flag and no defence: such text has no effect in the first place.
"""

import re
from functools import lru_cache

MAX_CACHED_TEXTS = 2_048
_PATTERN = re.compile(
    r"""
      \b(ignore|disregard|forget|override)\b.{0,30}
      \b(instructions?|rules?|guidelines|polic(y|ies)|prompts?)\b
    | \b(always|automatically|auto)[\s-]*approv
    | \bpre[\s-]?approved\b
    | \b(system|developer|hidden)\s+(prompt|message|note|instructions?)\b
    | ^[^\w\n]*system\s*:
    | \bnew[ ](instructions?|directive)\b
    | \byou[ ]are[ ](now|no[ ]longer)\b
    | \bfrom[ ]now[ ]on\b
    | \b(pretend|act[ ]as[ ]if)[ ]you\b
    | \bjailbr
    | \bDAN\b
    | \boverride\s*:
    | \b(note|message)[ ](to|for)[ ](the|any)[ ](bot|assistant|ai|model)\b
    | \bAI[ ](assistant|agents?)\b
    | \b(skip|bypass|disable)\b.{0,30}
      \b(approvals?|checks?|review|policy|confirmation)\b
    | \b(no|without)[ ](rules|restrictions|filters?|limits)\b
    | <\|?\s*(im_start|system|assistant)
    """,
    re.IGNORECASE | re.DOTALL | re.MULTILINE | re.VERBOSE,
)


# Each card cites ten precedents, often the same ones, and a search takes a tenth of a millisecond.
@lru_cache(maxsize=MAX_CACHED_TEXTS)
def looks_like_prompt_injection(text: str) -> bool:
    """Tell whether the text seems to steer a machine."""
    return _PATTERN.search(text) is not None
