"""The reference of the HTTP API, from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any

from handlers.intake.app import IntakeApi
from handlers.intake.operations import intake_operations
from handlers.programs.approval_operations import approval_operations
from handlers.programs.approvals import ApprovalsApi
from handlers.programs.cases import CaseApi
from handlers.programs.openapi import ApiDescription, openapi_document


def document() -> Mapping[str, Any]:
    """Make the OpenAPI document of every operation, without a server."""
    # Operations name the methods that answer them; none of them is called here.
    operations = [
        *intake_operations(_bare(IntakeApi)),
        *_bare(CaseApi).operations(),
        *approval_operations(_bare(ApprovalsApi)),
    ]
    return openapi_document(ApiDescription(operations, "").operations)


def page() -> str:
    """Write the page."""
    api = document()
    parts = [
        "# HTTP API",
        "`/openapi.json` of a running bot is the same as an OpenAPI 3.1 document, for tools. "
        "[Agents](../agents.md) explains how a program asks for an approval.",
    ]
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            parts += _section(path, method.upper(), operation)
    return "\n\n".join(parts) + "\n"


def _bare(cls: type) -> Any:
    return cls.__new__(cls)


def _section(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{method} {path}`"
    yield _plain(operation.get("summary", ""))
    if operation.get("description"):
        yield _plain(operation["description"])
    schemes = [name for need in operation.get("security", ()) for name in need]
    yield f"Signed in by: {', '.join(f'`{name}`' for name in schemes) or 'nothing'}."
    parameters = operation.get("parameters", ())
    if parameters:
        rows = [
            f"| `{one['name']}` | {one['in']} | {_plain(one.get('description', ''))} |"
            for one in parameters
        ]
        yield "\n".join(["| parameter | where | meaning |", "| --- | --- | --- |", *rows])
    bodies = operation.get("requestBody", {}).get("content", {})
    if bodies:
        shapes = [f"`{kind}`{_shape(body)}" for kind, body in bodies.items()]
        yield f"Body: {', '.join(shapes)}."
    answers = [
        f"| {status} | {_plain(answer.get('description', ''))} |"
        for status, answer in operation.get("responses", {}).items()
    ]
    yield "\n".join(["| status | meaning |", "| --- | --- |", *answers])


def _shape(body: Mapping[str, Any]) -> str:
    reference = body.get("schema", {}).get("$ref", "")
    return f" ({reference.rpartition('/')[2]})" if reference else ""


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
