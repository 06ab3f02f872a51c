"""Files of a workspace: people, groups, channels, the app's manifest.

People may be written by their names alone. Whoever has no id gets one made of the name.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bot.emulator.control.arguments import AppDefinition, explain
from bot.emulator.wire import Json

MAX_FILE_BYTES = 1_000_000
PERSON_KEYS = ("name", "id", "email", "title", "timezone", "guest", "deactivated", "bot")
GROUP_KEYS = ("name", "id", "handle", "members")
CHANNEL_KEYS = ("name", "id", "members", "private", "shared")
TEAM_KEYS = ("name", "id", "domain", "plan")
SECTIONS = ("team", "people", "groups", "channels", "manifest")
#: Everybody who is no guest.
EVERYBODY = "everybody"


class SeedError(ValueError):
    """A file that no workspace can be filled from, in one sentence."""


def read_seed(path: Path) -> Json:
    """Return a file's workspace as the control API's ``seed`` takes it.

    Raises:
        SeedError: the file is missing or wrong; the sentence names the place.
    """
    content = _read(path)
    _check_keys(content, SECTIONS, str(path))
    people = [_person(entry, place) for entry, place in _entries(content, "people")]
    _check_unique(people, "people")
    ids = _names(people)
    team = content.get("team")
    is_free = isinstance(team, dict) and team.get("plan") == "free"
    groups = [_group(entry, place, ids) for entry, place in _entries(content, "groups")]
    if groups and is_free:
        raise SeedError("groups: a workspace on the free plan has no user groups")
    members = [user["id"] for user in people if not user["is_restricted"] and not user["deleted"]]
    ids[EVERYBODY] = ""
    channels = [
        _channel(entry, place, ids=ids, everybody=members)
        for entry, place in _entries(content, "channels")
    ]
    _check_unique(groups, "groups")
    _check_unique(channels, "channels")
    seed: Json = {
        "team": _team(content.get("team", {})),
        "users": people,
        "groups": groups,
        "channels": channels,
    }
    if "manifest" in content:
        seed["manifest"] = read_manifest(path.parent / str(content["manifest"]))
    return seed


def read_manifest(path: Path) -> Json:
    """Return the manifest in a file, YAML or JSON.

    Raises:
        SeedError: the file is missing or no manifest.
    """
    manifest = _read(path)
    try:
        TypeAdapter(AppDefinition).validate_python(manifest)
    except ValidationError as error:
        raise SeedError(f"{path}: {explain(error)}") from None
    return manifest


def _read(path: Path) -> Json:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SeedError(f"{path}: larger than a megabyte")
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SeedError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SeedError(f"{path}: is no UTF-8 text") from None
    except YAMLError as error:
        raise SeedError(f"{path}{_place_of(error)}: is no YAML") from None
    if not isinstance(content, dict):
        raise SeedError(f"{path}: must hold sections such as people: and channels:")
    return content


def _place_of(error: YAMLError) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f", line {error.problem_mark.line + 1}"
    return ""


def _entries(content: Json, section: str) -> Iterator[tuple[Any, str]]:
    """Return the entries of a section, each with its place."""
    entries = content.get(section) or []
    if not isinstance(entries, list):
        raise SeedError(f"{section}: must be a list")
    for number, entry in enumerate(entries, 1):
        yield entry, f"{section}, entry {number}"


def _fields(entry: Any, place: str, keys: tuple[str, ...]) -> Json:
    """Return an entry's fields; a bare text is its name."""
    fields = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(fields, dict):
        raise SeedError(f"{place}: must be a name, or fields such as name:")
    _check_keys(fields, keys, place)
    name = fields.get("name")
    if not isinstance(name, str) or not name.strip():
        raise SeedError(f"{place}: name is missing")
    return fields


def _check_keys(fields: Mapping[Any, Any], keys: tuple[str, ...], place: str) -> None:
    for key in fields:
        if key not in keys:
            near = get_close_matches(str(key), keys, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(keys)}"
            raise SeedError(f"{place}: {key} is unknown; {hint}")


def _flag(fields: Json, key: str, place: str) -> bool:
    value = fields.get(key, False)
    if not isinstance(value, bool):
        raise SeedError(f"{place}: {key} must be true or false")
    return value


def _text(fields: Json, key: str, place: str, *, default: str = "") -> str:
    value = fields.get(key, default)
    if not isinstance(value, str):
        raise SeedError(f"{place}: {key} must be text")
    return value


def _made_id(letter: str, name: str) -> str:
    return f"{letter}0" + re.sub(r"[^A-Z0-9]", "", name.upper())[:20]


def _id(fields: Json, letter: str, place: str) -> str:
    default = _made_id(letter, fields["name"].removeprefix("#"))
    value = _text(fields, "id", place=place, default=default)
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,30}", value) or len(value) <= len("U0"):
        raise SeedError(f"{place}: id must be capitals and digits, such as {letter}0EXAMPLE")
    return value


def _person(entry: Any, place: str) -> Json:
    fields = _fields(entry, place, PERSON_KEYS)
    name = fields["name"].strip()
    email = _text(fields, "email", place)
    if email and "@" not in email:
        raise SeedError(f"{place}: email must be an address")
    profile = {"real_name": name, "title": _text(fields, "title", place)}
    if email:
        profile["email"] = email
    return {
        "id": _id(fields, "U", place),
        "name": name.split()[0].lower(),
        "real_name": name,
        "profile": profile,
        "tz": _text(fields, "timezone", place=place, default="Europe/London"),
        "deleted": _flag(fields, "deactivated", place),
        "is_restricted": _flag(fields, "guest", place),
        "is_bot": _flag(fields, "bot", place),
    }


def _names(people: list[Json]) -> dict[str, str]:
    """Return every way to write a person, with the id.

    A first name stands for a person while nobody else has it.
    """
    ids: dict[str, str] = {}
    homonyms = set()
    for user in people:
        first_name = user["real_name"].split()[0]
        if first_name in ids:
            homonyms.add(first_name)
        names = {first_name, user["real_name"], user["id"], user["profile"].get("email", "")}
        ids.update(dict.fromkeys(names - {""}, user["id"]))
    for name in homonyms:
        del ids[name]
    return ids


def _members(fields: Json, place: str, ids: Mapping[str, str]) -> list[str]:
    members = fields.get("members", [])
    if not isinstance(members, list):
        raise SeedError(f"{place}: members must be a list of names")
    for member in members:
        if member not in ids:
            near = get_close_matches(str(member), ids, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SeedError(f"{place}: {member} is nobody among the people{hint}")
    return [ids[member] for member in members]


def _group(entry: Any, place: str, ids: Mapping[str, str]) -> Json:
    fields = _fields(entry, place, GROUP_KEYS)
    handle = re.sub(r"[^a-z0-9]+", "-", fields["name"].lower()).strip("-")
    return {
        "id": _id(fields, "S", place),
        "handle": _text(fields, "handle", place=place, default=handle).removeprefix("@"),
        "name": fields["name"],
        "users": _members(fields, place, ids),
    }


def _channel(entry: Any, place: str, *, ids: Mapping[str, str], everybody: list[str]) -> Json:
    fields = _fields(entry, place, CHANNEL_KEYS)
    names = fields.get("members", [EVERYBODY])
    if names == EVERYBODY:
        names = [EVERYBODY]
    members = _members({**fields, "members": names}, place, ids)
    if EVERYBODY in names:
        members = sorted({*everybody, *members} - {""})
    return {
        "id": _id(fields, "C", place),
        "name": fields["name"].removeprefix("#"),
        "members": members,
        "is_private": _flag(fields, "private", place),
        "is_shared": _flag(fields, "shared", place),
    }


def _team(team: Any) -> Json:
    if not isinstance(team, dict):
        raise SeedError("team: must have fields such as name:")
    _check_keys(team, TEAM_KEYS, "team")
    if team.get("plan", "paid") not in {"paid", "free"}:
        raise SeedError("team: plan must be paid or free")
    return {key: _text(team, key, "team") for key in team}


def _check_unique(entries: list[Json], section: str) -> None:
    names: dict[str, str] = {}
    for entry in entries:
        name = str(entry.get("real_name", entry["name"]))
        if entry["id"] in names:
            other = names[entry["id"]]
            message = f"{section}: {name} and {other} have the same id, {entry['id']}; write id:"
            raise SeedError(message)
        names[entry["id"]] = name
