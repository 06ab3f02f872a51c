"""Complaints of the loader as findings, with columns and suggestions."""

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import available_timezones

from bot.cases.finding import Finding, Severity
from knowledge.library.complaint_words import TAG, find_help, find_yaml_help, in_words
from knowledge.library.field_names import field_names
from knowledge.library.places import PLAYBOOKS, LibraryFile, LibraryFiles, Way
from knowledge.library.presets import list_presets

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
ZONE_HELP = "Name a zone of the IANA list, like Europe/London."


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
            yield Finding(
                sentence=f"nobody reads this file: its name ends in {ending}",
                suggestion=f"Rename it to {path.stem}.yml.",
                file=str(path.relative_to(folder)),
                line=1,
                column=1,
            )
    for path in sorted((folder / PLAYBOOKS).glob("*/**/*.yml")):
        yield Finding(
            sentence="nobody reads this file: it lies in a folder inside playbooks",
            suggestion="Move it into playbooks/ itself.",
            file=str(path.relative_to(folder)),
            line=1,
            column=1,
        )
    for path in sorted(folder.glob("*.yml")):
        if path.name not in FILE_NAMES:
            yield _strange_file(path, files)


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
        sentence=in_words(sentence),
        suggestion=suggestion or _suggest(sentence, way, file=file, files=files),
        file=file.name,
        line=position[0],
        column=position[1],
    )


def _unreadable_file(name: str, sentence: str, files: LibraryFiles) -> Finding:
    """Return the finding about a file that cannot be opened."""
    paths = [path for path in files.playbook_paths() if path.name == name]
    path = paths[0].relative_to(files.folder) if paths else Path(name)
    advice = find_yaml_help(sentence)
    return Finding(sentence=sentence, suggestion=advice, file=str(path), line=1, column=1)


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
    while parts:
        part = parts.pop(0)
        # Names of actions have a dot.
        if isinstance(value, dict) and part not in value and ".".join([part, *parts[:1]]) in value:
            part = ".".join([part, parts.pop(0)])
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
        elif not parts:
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
    advice = find_yaml_help(rest)
    if advice:
        return advice
    if rest.startswith(("Extra inputs", "Unexpected keyword")) and way:
        return _suggest_field(str(way[-1]), field_names(file.name, way[:-1]))
    return (
        _suggest_choice(rest, _value(file.document, way))
        or _suggest_name(rest, _names_in(sentence), files)
        or find_help(sentence, rest)
    )


def _suggest_choice(rest: str, value: object) -> str:
    """Suggest one of the values that a sentence lists."""
    choices, tag = _CHOICES.match(rest), TAG.match(rest)
    if tag:
        return nearest(tag["tag"], _QUOTED.findall(tag["names"])) or f"There are {tag['names']}."
    if choices:
        return nearest(str(value), _QUOTED.findall(choices["names"])) or "Choose one of them."
    return ""


def _suggest_name(rest: str, names: list[str], files: LibraryFiles) -> str:
    """Suggest the nearest name of those that exist."""
    if not names:
        return ""
    if "time zone" in rest:
        return nearest(names[0], available_timezones()) or ZONE_HELP
    if "has no action" in rest:
        return nearest(names[0], _list_actions(files)) or "Declare it in systems.yml."
    if "no preset" in rest:
        return nearest(names[0], list_presets(files.folder))
    listing = _LISTED.search(rest)
    return nearest(names[0], re.split(r",? and |, ", listing["names"])) if listing else ""


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
