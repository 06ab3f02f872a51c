"""``sources.yml``: who may send what, and in whose name."""

import pytest

from bot.cases.errors import PlaybookInvalid
from knowledge.library import load
from tests.knowledge.library.editing import change, refuse

ABSENCE = "\nabsence: {subjects: [x], title: nothing from x, within: 1h, every: 1m"
MISTAKES = [
    (
        "token_env: [COUNTERSIGN_SOURCE_ALERTMANAGER_TOKEN]",
        "per_minute: 5",
        "a source needs verify, token_env or webhook_secret_env",
    ),
    ("preset: stripe", "preset: stripe\n    format: signal", "format: mapping goes with a mapping"),
    ("preset: stripe", "preset: stripey", "source stripe: there is no preset stripey"),
    ("preset: stripe", "preset: ../policy", "there is no preset ../policy"),
    ("  api:\n", "  house:\n", "source house is called like a system of systems.yml"),
    ("format: signal", "format: signal\n    kinds: []", "kinds is empty"),
    ("format: signal", "format: signal\n    kinds:", "sources.api.kinds: .*list"),
    ("kind: service_alert", "kind: service_alert\n    kinds: [other]", "not both"),
    ("kind: service_alert", "kinds: [service_alert]", "an alert names no kind; say kind"),
    (
        "preset: stripe",
        "format: mapping\n    token_env: [ABC]\n    mapping: {kind: body.type}",
        "say kinds instead of kind",
    ),
    (
        "format: signal",
        "format: signal\n    domain: events",
        "domain events is the name of a source",
    ),
    ("format: signal", "format: signal\n    domain: house", "domain house is the name of a source"),
    ("format: signal", "format: signal\n    domain: slack", "domain slack is called as the desk"),
]


@pytest.mark.parametrize(("before", "after", "complaint"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_where_it_is(folder, before, after, complaint):
    refuse(folder / "sources.yml", before, after, complaint=complaint)


@pytest.mark.parametrize(
    "name", ["absence", "slack", "try", "countersign", "policy", "operator", "desk"]
)
def test_no_source_is_called_as_the_desk_calls_itself(folder, name):
    complaint = f"sources.yml: source {name} is called as the desk calls itself"
    refuse(folder / "sources.yml", "  api:\n", f"  {name}:\n", complaint=complaint)


def test_a_detection_speaks_for_no_source_that_is_not_in_its_domain(folder):
    refuse(
        folder / "playbooks/low_stock.yml",
        "every: 60s",
        "every: 60s\n  domain: api",
        complaint="domain api is the name of a source",
    )


def test_an_expression_that_is_none_is_told_where_it_is(folder):
    complaint = "sources.yml:23: sources.stripe.mapping.key.0: not a JMESPath expression"
    mapping = "preset: stripe\n    mapping: {key: ['body [']}\n"
    refuse(folder / "sources.yml", "preset: stripe\n", mapping, complaint=complaint)


MEANINGLESS = [
    ("format: cloudevents", "format: cloudevents\n    per_minute: 0", "sources.yml:.*per_minute"),
    (
        "format: cloudevents",
        "format: cloudevents\n    per_minute: true",
        "sources.yml:.*per_minute",
    ),
]


@pytest.mark.threat("D6")
@pytest.mark.parametrize(("before", "after", "complaint"), MEANINGLESS, ids=range(len(MEANINGLESS)))
def test_a_rate_that_could_not_be_meant_is_refused_with_file_and_line(
    folder, before, after, complaint
):
    refuse(folder / "sources.yml", before, after, complaint=complaint)


@pytest.mark.threat("A6")
def test_a_source_says_its_domain_and_its_kinds(folder):
    change(
        folder / "sources.yml",
        "format: signal",
        "format: signal\n    domain: tills\n    kinds: [low_stock]",
    )
    change(folder / "playbooks/low_stock.yml", "every: 60s", "every: 60s\n  domain: tills")
    library = load(folder)
    source, detection = library.sources["api"], library.playbook("low_stock").detection
    assert (source.origin, source.allowed_kinds, detection.domain) == (
        "tills",
        ("low_stock",),
        "tills",
    )
    assert (library.sources["stripe"].origin, library.sources["stripe"].allowed_kinds) == (
        "stripe",
        ("failed_payment",),
    )
    assert library.sources["events"].allowed_kinds == ()


@pytest.mark.threat("A6")
def test_a_domain_may_have_the_name_of_one_that_is_in_it(folder):
    change(folder / "sources.yml", "format: signal", "format: signal\n    domain: api")
    change(folder / "sources.yml", "format: cloudevents", "format: cloudevents\n    domain: api")
    assert {source.origin for source in load(folder).sources.values()} == {
        "api",
        "alertmanager",
        "guest_mail",
        "stripe",
    }


# --- absences -------------------------------------------------------------------------------------


def absent(folder, rest):
    """Read low stock with an absence; ``rest`` has its other fields."""
    change(folder / "playbooks/low_stock.yml", "\nwhat:", f"{ABSENCE}{rest}}}\nwhat:")
    return load(folder).playbook("low_stock").absence


@pytest.mark.threat("A6")
@pytest.mark.parametrize(("rest", "origin"), [(", from: api", "api"), (", from: tills", "tills")])
def test_a_silence_names_who_ought_to_be_heard_of(folder, rest, origin):
    if origin == "tills":
        change(
            folder / "sources.yml", "format: cloudevents", "format: cloudevents\n    domain: tills"
        )
    assert absent(folder, rest).origin == origin


@pytest.mark.threat("A6")
def test_a_silence_listens_to_the_one_source_of_its_kind_when_none_is_named(folder):
    change(
        folder / "sources.yml",
        "format: signal",
        "format: signal\n    kinds: [low_stock, lead_cold]",
    )
    assert absent(folder, "").origin == "api"


@pytest.mark.threat("A6")
@pytest.mark.parametrize(
    ("rest", "complaint"),
    [
        (
            "",
            "low_stock: absence.from: say which source or domain ought to be heard of"
            " .*alertmanager, api",
        ),
        (", from: nobody", "there is no source or domain nobody"),
        (", from: stripe", "nobody of stripe may send low_stock; add it to kinds"),
        (", origin: api", "absence.origin"),
    ],
)
def test_a_silence_that_could_never_end_is_refused(folder, rest, complaint):
    with pytest.raises(PlaybookInvalid, match=complaint):
        absent(folder, rest)
