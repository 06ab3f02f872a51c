"""The words that the measures know: participles, field terms and superlatives."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IRREGULAR_PARTICIPLES = _words(
    """
    asked told said found given known shown kept wanted heard taken drawn held left seen made done
    sent got gotten met written spoken chosen begun been become gone come born borne brought built
    bought caught taught learnt meant understood stood felt fed led bred fled sold paid spent lost
    won lent dealt slept swept upheld withheld beheld laid lain lit struck stuck sunk sung rung
    sprung spun hung dug sought fought thought worn torn sworn broken stolen woken awoken driven
    risen arisen hidden forgotten forgiven eaten beaten bitten fallen befallen proven shaken
    mistaken overtaken undertaken grown outgrown flown thrown overthrown blown withdrawn redrawn
    foreseen overseen unseen unsaid untold unheard unknown unsent undone unread undrawn unmade
    unwritten unspoken unfound unkept unpaid unsold unmet unasked rewritten overwritten underwritten
    retaken rebuilt resent regiven redone remade outdone misread mislaid misled misunderstood
    gathered handed
    """
)

# "read", "put" and the like are verbs as well: only a variable of that name is a participle.
AMBIGUOUS_PARTICIPLES = frozenset({"read"})

# Words on -ed that are nouns or verbs, or that the field writes so (pytest, HTTP, HTML, RFCs).
FIELD_TERMS = _words(
    """
    seed need feed speed red bed embed deed weed breed creed greed shed sled indeed exceed proceed
    succeed bleed reed hundred sacred kindred naked wicked
    expected enabled disabled required signed unsigned nested embedded
    """
)

# Fields that keep a participle, because their names are keys of stored JSON or of YAML files.
WIRE_FIELDS = frozenset(
    {
        "CallShape.landed",
        "Citation.ended",
        "Condition.decided",
        "Condition.ended",
        "Condition.opened",
        "ModelCondition.decided",
        "ModelCondition.ended",
        "ModelCondition.opened",
        "LimitShape.unlimited",
        "Recommendation.blocked",
        "Settled.landed",
    }
)

SUPERLATIVE_PREFIXES = (
    "MOST_",
    "LEAST_",
    "LONGEST_",
    "SHORTEST_",
    "LARGEST_",
    "SMALLEST_",
    "BIGGEST_",
    "DEEPEST_",
    "WIDEST_",
    "HIGHEST_",
    "LOWEST_",
    "FEWEST_",
    "GREATEST_",
    "SLOWEST_",
    "FASTEST_",
    "WORST_",
    "BEST_",
    "HARDEST_",
    "HEAVIEST_",
    "TIGHTEST_",
    "LATEST_POSSIBLE_",
)

# A docstring that begins so describes a thing by a clause instead of its noun or verb.
CLAUSE_OPENINGS = _words(
    """
    what whatever who whoever whom whose whether where wherever which whichever when why how
    those that these
    """
)


def is_participle(name: str) -> bool:
    """Tell whether a name is one bare participle, such as ``asked``."""
    word = name.strip("_").lower()
    if "_" in word or word in FIELD_TERMS:
        return False
    return word in IRREGULAR_PARTICIPLES or (len(word) > 3 and word.endswith("ed"))


def is_superlative(name: str) -> bool:
    """Tell whether a constant begins with a superlative."""
    return name.lstrip("_").startswith(SUPERLATIVE_PREFIXES)
