import json

import pytest

from bot.emulator.control.arguments import check_arguments
from bot.emulator.seed_file import SeedError, read_manifest, read_seed
from tests.cli.test_emulator import EXAMPLE


def write(folder, text):
    path = folder / "people.yml"
    path.write_text(text)
    return path


def sentence(folder, text):
    with pytest.raises(SeedError) as refusal:
        read_seed(write(folder, text))
    return str(refusal.value)


def test_names_are_enough_and_the_control_api_takes_what_was_read():
    seed = read_seed(EXAMPLE)
    check_arguments("seed", seed)
    assert [user["id"] for user in seed["users"]] == ["U0ANADUARTE", "U0BENOKAFOR", "U0GUSFERRER"]
    assert seed["groups"][0]["handle"] == "floor-managers"
    assert seed["groups"][0]["users"] == ["U0ANADUARTE", "U0BENOKAFOR"]
    members = {channel["name"]: channel["members"] for channel in seed["channels"]}
    # Whoever is no guest is in a channel that names nobody.
    assert members["general"] == ["U0ANADUARTE", "U0BENOKAFOR"]
    assert "U0GUSFERRER" in members["stock"]
    assert members["board"] == ["U0BENOKAFOR"]


WRONG = [
    ("people: [Ana]\nchanels: []", "chanels is unknown; did you mean channels?"),
    ("people: Ana", "people: must be a list"),
    ("people:\n  - nam: Ana", "people, entry 1: nam is unknown; did you mean name?"),
    ("people:\n  - id: U0ANA", "people, entry 1: name is missing"),
    ("people:\n  - {name: Ana, id: ana}", "id must be capitals and digits, such as U0EXAMPLE"),
    ("people:\n  - {name: Ana, email: ana}", "email must be an address"),
    ("people:\n  - {name: Ana, guest: 1}", "guest must be true or false"),
    ("people: [Ana, Ana]", "people: Ana and Ana have the same id, U0ANA; write id:"),
    (
        "people: [Ana]\ngroups:\n  - {name: ops, members: [Anna]}",
        "groups, entry 1: Anna is nobody among the people; did you mean Ana?",
    ),
    ("people: [Ana]\nchannels:\n  - {name: x, members: Ana}", "members must be a list of names"),
    ("team: {plan: gold}", "team: plan must be paid or free"),
    (
        "team: {plan: free}\npeople: [Ana]\ngroups: [ops]",
        "groups: a workspace on the free plan has no user groups",
    ),
    ("people: [", "line 1: is no YAML"),
    ("- Ana", "must hold sections such as people: and channels:"),
    ("manifest: none.json", "No such file or directory"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path, text, words):
    refusal = sentence(tmp_path, text)
    assert words in refusal
    assert "\n" not in refusal


def test_two_people_of_one_first_name_are_written_whole(tmp_path):
    text = "people: [Ana Duarte, Ana Silva]\ngroups:\n  - {name: ops, members: [%s]}"
    seed = read_seed(write(tmp_path, text % "Ana Silva"))
    assert seed["groups"][0]["users"] == ["U0ANASILVA"]
    assert "Ana is nobody among the people" in sentence(tmp_path, text % "Ana")


def test_a_manifest_is_yaml_or_json_and_may_stand_in_the_seed(tmp_path):
    manifest = {"features": {"slash_commands": [{"command": "/x"}]}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    seed = read_seed(write(tmp_path, "people: [Ana]\nmanifest: manifest.json"))
    assert seed["manifest"] == manifest
    (tmp_path / "wrong.yml").write_text("features: {slash_commands: [{name: x}]}")
    with pytest.raises(SeedError, match=r"features.slash_commands.0.command is missing"):
        read_manifest(tmp_path / "wrong.yml")
