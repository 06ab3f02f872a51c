"""Complaints of the loader as findings, with columns and suggestions."""

import difflib
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import available_timezones

from bot.cases.finding import Finding, Severity
from knowledge.library.field_names import field_names
from knowledge.library.places import PLAYBOOKS, LibraryFile, LibraryFiles, Way
from knowledge.library.presets import list_presets
from knowledge.library.value_forms import describe_bound, describe_pattern, suggest_form

#: The files that a library may have beside its playbooks.
FILE_NAMES = (
    "channels.yml",
    "people.yml",
    "policy.yml",
    "programs.yml",
    "questions.yml",
    "recognition.yml",
    "sources.yml",
    "systems.yml",
)
#: Folders that belong to a library, and are not read as playbooks.
_OTHER_FOLDERS = frozenset({"examples", "expectations", "schemas", "sources"})

MIN_LIKENESS = 0.6
#: Of more fields than this, a list is no help.
MAX_LISTED_FIELDS = 16
_PLACE = re.compile(r"^(?P<file>[^:/\n]+?\.yml)(?::(?P<line>\d+))?: (?P<rest>.+)$", re.DOTALL)
_PATTERN = re.compile(r"String should match pattern '(?P<pattern>.+)'$", re.DOTALL)
_BOUND = re.compile(r"datetime\.timedelta\((?P<parts>[\w=, ]*)\)")
_TAG = re.compile(r"^Input tag '(?P<tag>.*?)' found .* expected tags: (?P<names>.+)$")
_OWN_CAUSE = re.compile(r"^not a JMESPath expression: (?P<text>.*?) \((?P<cause>.*)\)$", re.DOTALL)
_FIELD = re.compile(r"^(?P<way>[\w.\[\]-]+): (?P<rest>.+)$", re.DOTALL)
_QUESTION = re.compile(r"^(?P<rest>.*); did you mean (?P<name>[^;]*?)\??$", re.DOTALL)
_QUOTED = re.compile(r"['\"]([\w.:/ -]+)['\"]")
_BARE_NAME = re.compile(
    r"(?:no (?:kind or action|kind|action|look-up|parameter|parameter of an action|system|source"
    r" or domain|time zone|preset)|already for) '?(?P<name>[\w./-]+)"
)
_OFFER = re.compile(r"^actions: (?P<name>[\w.]+) takes (?P<takes>[\w, ]*); given (?P<has>.*)$")
_LISTED = re.compile(r"[;,] (?:it has|there are|known are) (?P<names>.+)$")
_CHOICES = re.compile(r"^Input should be (?P<names>'.+)$")
_YAML_HELP = (
    ("'\\t'", "Indent with spaces: YAML allows no tabs."),
    ("mapping values are not allowed", "Check the indentation and the quotes of this line."),
    ("expected <block end>", "Check the indentation of this line and the one above it."),
    ("could not find expected ':'", "Write a colon and a space after the name of the field."),
    ("found duplicate key", "Keep one of the two."),
    ("but found another document", "Put what follows --- into a file of its own."),
    ("anchors, aliases and tags", "Put a text that begins with *, & or ! in quotes."),
    (
        "is not UTF-8 text",
        "Save it as UTF-8; most editors name the encoding below or under Save As.",
    ),
    ("is not YAML", "Write it again as plain text: it holds letters that no editor shows."),
    ("must be a mapping", "Begin each line with a key and a colon, like kind: low_stock."),
    ("is empty", "Write it, or remove it; the reference shows an example of every key."),
    ("is missing", "Write it, or begin with what `countersign init` writes."),
    ("is a folder", "Give the folder another name: a file is looked for here."),
    ("leads nowhere", "Remove the link, or let it lead to a file."),
    ("cannot be read", "Let the user who runs Countersign read it."),
)
ZONE_HELP = "Name a zone of the IANA list, like Europe/London."
_SENTENCE_HELP = (
    ("should be a valid list", "Write it in brackets, like [one, two]."),
    (
        "List should have at least 1 item",
        "Name at least one: an empty list means that nobody may decide.",
    ),
    ("must be a duration", "Write a whole number with its unit and no space, like 24h."),
    ("must be at least 1s", "Write a number with its unit, like 24h; not 0, and not for ever."),
    ("should be a mapping", "Write keys with values below it, or in braces, like {name: value}."),
    ("should be a valid string", "Write a text after the colon."),
    ("valid decimal", "Write the number alone, like 1000 or 99.50: no currency and no commas."),
    ("valid integer", "Write a whole number, like 5."),
    ("finite number", "Write a number, or leave the line out for no limit."),
    ("greater than or equal to", "Raise it."),
    ("less than or equal to", "Lower it."),
    ("characters", "Shorten it, or write more, as the number says."),
    ("Field required", "Add it; the reference shows an example."),
    (
        "undo_for needs an undo",
        "Add undo, the statement that takes it back, or leave undo_for out.",
    ),
    ("resolve_for is below decide_for", "Raise resolve_for, or lower decide_for."),
    ("which nobody may edit", "Add it to edit, or take it out of limits."),
    ("is no parameter here", "Name one that stands under parameters of this action."),
    ("already for", "Give one of the two another kind, or remove one of the files."),
    ("has no titles for", "Add it under titles of the action: what people call the parameter."),
    ("the query must name :since", "Count between :since and :until, as the reference shows."),
    ("not in its summary", "Name a parameter, or a column that the summary has too."),
)
_EXPRESSION_HELP = (
    (re.compile(r"(?<![=!<>])=(?!=)"), "Compare with ==, like notes.number == `0`."),
    (re.compile(r" (and|or|not) "), "Join conditions with && and ||, and write ! for not."),
    (re.compile(r"[=<>]\s*-?\d"), "Put the number between backticks, like `0`."),
)
EXPRESSION_FORM = "Write it like order.total > `100`: numbers between backticks, texts in '…'."


def nearest(name: str, options: Iterable[str], *, likeness: float = MIN_LIKENESS) -> str:
    """Suggest the nearest option, as a question; empty where none is."""
    matches = difflib.get_close_matches(name, sorted(set(options)), n=1, cutoff=likeness)
    return f"Did you mean {matches[0]}?" if matches else ""


def read_complaints(text: str, files: LibraryFiles) -> Iterator[Finding]:
    """Read what the loader says, a line for each mistake."""
    for line in text.splitlines():
        if line.startswith("Nothing may run "):
            # It follows from the lines above.
            continue
        yield _read_complaint(line, files)


def find_ignored_files(files: LibraryFiles) -> Iterator[Finding]:
    """Yield the files that nobody reads, though somebody wrote them."""
    folder = files.folder
    for path in sorted(folder.rglob("*")):
        ending = path.suffix
        if ending.lower() in {".yaml", ".yml"} and ending != ".yml" and path.is_file():
            yield _ignored_file(
                path.relative_to(folder),
                f"nobody reads this file: its name ends in {ending}",
                f"Rename it to {path.stem}.yml.",
            )
    for path in sorted((folder / PLAYBOOKS).glob("*/**/*.yml")):
        yield _ignored_file(
            path.relative_to(folder),
            f"nobody reads this file: it lies in a folder inside {PLAYBOOKS}",
            f"Move it into {PLAYBOOKS}/ itself.",
        )
    for path in sorted(folder.glob("*.yml")):
        if path.name not in FILE_NAMES:
            yield _strange_file(path, files)


def _ignored_file(path: Path, sentence: str, suggestion: str) -> Finding:
    return Finding(sentence=sentence, suggestion=suggestion, file=str(path), line=1, column=1)


def _strange_file(path: Path, files: LibraryFiles) -> Finding:
    is_playbook = "kind" in files.open(path).document
    suggestion = nearest(path.name, FILE_NAMES)
    if is_playbook:
        suggestion = f"Move it into {PLAYBOOKS}/."
    return Finding(
        sentence=f"no file of a library is called {path.name}, so nobody reads it",
        suggestion=suggestion,
        severity=Severity.ERROR if suggestion else Severity.HINT,
        file=path.name,
        line=1,
        column=1,
    )


def _read_complaint(text: str, files: LibraryFiles) -> Finding:
    match = _PLACE.match(text)
    file = files.find_file(match["file"]) if match else None
    if match is None:
        return Finding(sentence=text)
    if file is None:
        return _unreadable_file(match["file"], match["rest"], files)
    line = int(match["line"] or 0)
    sentence, way = match["rest"], _way_of(match["rest"], file)
    sentence, suggestion = _split_question(sentence)
    position = _find(file, line, way=way, sentence=sentence)
    return Finding(
        sentence=_in_words(sentence),
        suggestion=suggestion or _suggest(sentence, way, file=file, files=files),
        file=file.name,
        line=position[0],
        column=position[1],
    )


def _unreadable_file(name: str, sentence: str, files: LibraryFiles) -> Finding:
    """Return the finding about a file that is not there, or is none."""
    paths = [path for path in files.playbook_paths() if path.name == name]
    path = paths[0].relative_to(files.folder) if paths else Path(name)
    suggestion = next((help for part, help in _YAML_HELP if part in sentence), "")
    return Finding(sentence=sentence, suggestion=suggestion, file=str(path), line=1, column=1)


def _in_words(sentence: str) -> str:
    """Say in words what the loader says in patterns and types of Python."""
    sentence = _BOUND.sub(lambda match: _span(match["parts"]), sentence)
    head, _, rest = sentence.partition(": ")
    pattern, cause = _PATTERN.match(rest), _OWN_CAUSE.match(rest)
    words = describe_pattern(pattern["pattern"]) if pattern else ""
    if words:
        return f"{head}: {words}"
    if cause:
        return f"{head}: {cause['text'].strip(chr(39))} is no expression that can be read"
    return sentence


def _span(parts: str) -> str:
    values = dict(part.split("=") for part in parts.split(", ") if part)
    return describe_bound(timedelta(**{name: int(value) for name, value in values.items()}))


def _split_question(sentence: str) -> tuple[str, str]:
    match = _QUESTION.match(sentence)
    return (match["rest"], f"Did you mean {match['name']}?") if match else (sentence, "")


def _way_of(sentence: str, file: LibraryFile) -> Way:
    """Return the way to the field that a sentence begins with."""
    match = _FIELD.match(sentence)
    if not match:
        return ()
    way: list[int | str] = []
    value = file.document
    parts = match["way"].split(".")
    for number, part in enumerate(parts):
        # Names of actions have a dot.
        both = ".".join(parts[number : number + 2])
        if isinstance(value, dict) and part not in value and both in value:
            way.append(both)
            value = value[both]
            continue
        if isinstance(value, list):
            number = _item_number(value, part)
            if number is None:
                continue
            way.append(number)
            value = value[number]
        elif isinstance(value, dict) and part in value:
            way.append(part)
            value = value[part]
        elif not isinstance(value, dict):
            break
        elif part == parts[-1]:
            # Else it is a name that Pydantic puts in between.
            way.append(part)
    return tuple(way)


def _item_number(items: list[object], part: str) -> int | None:
    if part.isdigit():
        return int(part) if int(part) < len(items) else None
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return names.index(part) if part in names else None


def _find(file: LibraryFile, line: int, *, way: Way, sentence: str) -> tuple[int, int]:
    """Return line and column, as near to the mistake as known."""
    value_line, column = file.find(way)
    first_line = line or value_line
    if "'\\t'" in sentence:
        rows = file.text.splitlines()
        row = rows[first_line - 1] if first_line <= len(rows) else ""
        return first_line, row.find("\t") + 1
    for word in _words(sentence):
        position = file.find_word(word, first_line)
        if position and (not line or position[0] == line or word in _names_in(sentence)):
            return position
    if line and (not way or value_line != line):
        return line, file.indent(line) or 1
    return first_line, column


def _names_in(sentence: str) -> list[str]:
    """List the name that a sentence says is unknown."""
    match = _BARE_NAME.search(sentence)
    quotation = _QUOTED.search(_FIELD.sub(r"\g<rest>", sentence))
    offer = _OFFER.match(sentence)
    if offer:
        return [offer["name"]]
    names = [match["name"]] if match else []
    return [*names, quotation[1]] if quotation and not _CHOICES.match(quotation.string) else names


def _words(sentence: str) -> list[str]:
    match = _FIELD.match(sentence)
    field = match["way"].rpartition(".")[2] if match else ""
    return [*_names_in(sentence), field]


def _suggest(sentence: str, way: Way, *, file: LibraryFile, files: LibraryFiles) -> str:
    rest = _FIELD.sub(r"\g<rest>", sentence)
    offer = _OFFER.match(sentence)
    if offer:
        return _suggest_parameters(offer["takes"].split(", "), offer["has"].split(", "))
    for part, suggestion in _YAML_HELP:
        if part in rest:
            return suggestion
    if rest.startswith(("Extra inputs", "Unexpected keyword")) and way:
        return _suggest_field(str(way[-1]), field_names(file.name, way[:-1]))
    tag = _TAG.match(rest)
    if tag:
        return nearest(tag["tag"], _QUOTED.findall(tag["names"])) or f"There are {tag['names']}."
    cause = _OWN_CAUSE.match(rest)
    if cause:
        help = [text for pattern, text in _EXPRESSION_HELP if pattern.search(cause["text"])]
        return help[0] if help else EXPRESSION_FORM
    form = suggest_form(_in_words(sentence).partition(": ")[2])
    if form:
        return form
    choices = _CHOICES.match(rest)
    if choices:
        value = str(_value(file.document, way))
        return nearest(value, _QUOTED.findall(choices["names"])) or "Choose one of them."
    names = _names_in(sentence)
    if "time zone" in rest and names:
        return nearest(names[0], available_timezones()) or ZONE_HELP
    if "has no action" in rest and names:
        return nearest(names[0], _list_actions(files)) or "Declare it in systems.yml."
    if "no preset" in rest and names:
        return nearest(names[0], list_presets(files.folder))
    listing = _LISTED.search(rest)
    if listing and names:
        return nearest(names[0], re.split(r",? and |, ", listing["names"]))
    return next((help for part, help in _SENTENCE_HELP if part in rest), "")


def _list_actions(files: LibraryFiles) -> list[str]:
    systems = files.root("systems.yml").document.get("systems") or {}
    return [
        f"{name}.{action}"
        for name, system in systems.items()
        for action in (system.get("actions") or {} if isinstance(system, dict) else {})
    ]


def _suggest_field(name: str, fields: list[str]) -> str:
    """Suggest the nearest field, or name those that may stand here."""
    question = nearest(name, fields)
    if question or not fields or len(fields) > MAX_LISTED_FIELDS:
        return question or "Take it out, or look in the reference for what may stand here."
    return f"Here may stand {', '.join(fields)}."


def _suggest_parameters(takes: list[str], present: list[str]) -> str:
    """Say which parameters to give, and which not."""
    missing = [name for name in takes if name and name not in present]
    extra = [name for name in present if name and name not in takes]
    question = nearest(extra[0], missing) if extra else ""
    if question:
        return question
    parts = [("Give", missing), ("Take out", extra)]
    return " ".join(f"{verb} {', '.join(names)}." for verb, names in parts if names)


def _value(document: object, way: Way) -> object:
    value = document
    for part in way:
        try:
            value = value[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return ""
    return value
