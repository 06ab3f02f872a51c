"""The HTTP API described by OpenAPI 3.1, from its operations."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bot.cases.program import EventType
from bot.views.program_event import CONTENT_TYPE, CloudEvent
from handlers.programs.operation import Access, ApiAnswer, MadeShape, Operation

Json = dict[str, Any]

OPENAPI_VERSION = "3.1.0"
#: The version of the interface, which changes with what programs can rely on.
API_VERSION = "1"
PROBLEM_TYPE = "application/problem+json"
_REFERENCE = "#/components/schemas/{model}"
_PROBLEM = "Problem"
_EVENT = "CloudEvent"
_DESCRIPTION = (
    "Puts an exception or a program's request in front of the right person, carries out exactly "
    "what was approved, and proves it. Decisions are made by people in Slack, and never here."
)
_SCHEMES: Mapping[str, Json] = {
    "operator": {
        "type": "http",
        "scheme": "bearer",
        "description": "The value of COUNTERSIGN_API_TOKEN. It reads every case.",
    },
    "program": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of a program in programs.yml, made by `countersign tokens make`.",
    },
    "source": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "A token of a source in sources.yml. A source may sign in by a signature over the "
            "body instead, in the way that its product has."
        ),
    },
}
_SECURITY: Mapping[Access, list[Json]] = {
    Access.OPEN: [],
    # Programs may send signals of their kinds, too.
    Access.SOURCE: [{"source": []}, {"program": []}],
    Access.READER: [{"operator": []}, {"program": []}],
    Access.PROGRAM: [{"program": []}],
}


_EVENT_SUMMARIES: Mapping[EventType, str] = {
    EventType.CASE_OPENED: "A case is opened, opened again, or turns out to be of a kind.",
    EventType.CASE_DECIDED: "It is decided what is done about a case, or that was taken back.",
    EventType.CASE_EXECUTED: "A plan was carried out, failed, or nobody knows.",
    EventType.CASE_RESOLVED: "A case has ended.",
    EventType.APPROVAL_DECIDED: "A request of the program is decided.",
}
_EVENT_DESCRIPTION = (
    "Signed by Standard Webhooks. It may come more than once, always with the same webhook-id, and "
    "in any order; it says how the case was then. Anything but 2xx or 410 within ten seconds is "
    "a failure: the event is sent again for a day."
)


class FieldProblem(BaseModel):
    """A field of the request that is wrong."""

    field: str
    detail: str


class ProblemDocument(BaseModel):
    """An error, by RFC 9457."""

    model_config = ConfigDict(title=_PROBLEM, extra="allow")

    type: Annotated[str, Field(description="`urn:countersign:problem:` and the status.")]
    title: str
    status: int
    detail: Annotated[str, Field(description="What is wrong, and what to do, as a sentence.")]
    errors: list[FieldProblem] | None = None


def openapi_document(operations: Sequence[Operation], *, url: str = "") -> Json:
    """Describe these operations; ``url`` is the address of the server."""
    schemas = _Schemas(operations)
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = schemas.describe(operation)
    document: Json = {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "Countersign", "version": API_VERSION, "description": _DESCRIPTION},
        "paths": paths,
        "webhooks": schemas.webhooks(),
        "components": {
            "schemas": schemas.components,
            "securitySchemes": dict(_SCHEMES),
        },
    }
    if url:
        document["servers"] = [{"url": url}]
    return document


class ApiDescription:
    """The operations of a server, and the route that describes them all."""

    def __init__(self, operations: Sequence[Operation], url: str) -> None:
        self.operations = [*operations, self._own_operation()]
        self._url = url
        self._document: bytes | None = None

    def _own_operation(self) -> Operation:
        return Operation(
            name="describeApi",
            path="/openapi.json",
            endpoint=self.describe,
            tag="monitoring",
            summary="Describe every operation by OpenAPI 3.1.",
            access=Access.OPEN,
            answers={200: ApiAnswer(description="This document.", shape=dict[str, Any])},
        )

    async def describe(self, request: Request) -> Response:
        """Return the document, which is made once."""
        if self._document is None:
            self._document = await run_in_threadpool(self._make)
        return Response(self._document, media_type="application/json")

    def _make(self) -> bytes:
        return json.dumps(openapi_document(self.operations, url=self._url)).encode()


def _shape(answer: ApiAnswer) -> Any:
    return answer.shape.make() if isinstance(answer.shape, MadeShape) else answer.shape


class _Schemas:
    """The JSON schemas of all operations, each shape once."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        inputs: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = [
            ((_PROBLEM, 0), "serialization", TypeAdapter(ProblemDocument)),
            ((_EVENT, 0), "serialization", TypeAdapter(CloudEvent)),
        ]
        for operation in operations:
            if operation.body is not None:
                inputs.append(((operation.name, 0), "validation", TypeAdapter(operation.body)))
            for status, answer in operation.answers.items():
                if answer.shape is not None:
                    key = (operation.name, status)
                    inputs.append((key, "serialization", TypeAdapter(_shape(answer))))
        by_key, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
        self._by_key = {key: schema for (key, _), schema in by_key.items()}
        self.components: Json = definitions.get("$defs", {})
        problem = self._by_key[_PROBLEM, 0]
        self._problem = problem

    def webhooks(self) -> Json:
        """Describe the events that are posted to the callbacks of programs."""
        body = {
            "required": True,
            "content": {CONTENT_TYPE: {"schema": self._by_key[_EVENT, 0]}},
        }
        return {
            event.value: {
                "post": {
                    "operationId": f"on{event.name.title().replace('_', '')}",
                    "tags": ["events"],
                    "summary": _EVENT_SUMMARIES[event],
                    "description": _EVENT_DESCRIPTION,
                    "requestBody": body,
                    "responses": {
                        "2XX": {"description": "The event is accepted, and is not sent again."},
                        "410": {"description": "It is not wanted, and is not sent again."},
                    },
                }
            }
            for event in EventType
        }

    def describe(self, operation: Operation) -> Json:
        """Describe one operation."""
        description: Json = {
            "operationId": operation.name,
            "tags": [operation.tag],
            "summary": operation.summary,
            "security": _SECURITY[operation.access],
            "responses": self._responses(operation),
        }
        parameters = [*_path_parameters(operation), *_query_parameters(operation)]
        if parameters:
            description["parameters"] = parameters
        if operation.body is not None:
            schema = self._by_key[operation.name, 0]
            content = {media_type: {"schema": schema} for media_type in operation.body_types}
            description["requestBody"] = {"required": True, "content": content}
        return description

    def _responses(self, operation: Operation) -> Json:
        responses: Json = {}
        for status, answer in operation.answers.items():
            responses[str(status)] = self._answer(operation.name, status, answer)
        problems = set(operation.problems)
        if operation.access is not Access.OPEN:
            problems |= {401, 429, 503}
        for status in sorted(problems - set(operation.answers)):
            responses[str(status)] = {
                "description": HTTPStatus(status).phrase,
                "content": {PROBLEM_TYPE: {"schema": self._problem}},
            }
        return responses

    def _answer(self, name: str, status: int, answer: ApiAnswer) -> Json:
        response: Json = {"description": answer.description}
        schema = self._by_key.get((name, status))
        if schema is not None:
            response["content"] = {answer.media_type: {"schema": schema}}
        return response


def _path_parameters(operation: Operation) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": operation.path_parameters.get(name, ""),
            "schema": {"type": "string"},
        }
        for name in operation.path_names
    ]


def _query_parameters(operation: Operation) -> list[Json]:
    """Describe the parameters of the query string; their shapes refer to nothing."""
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    required = cast(list[str], schema.get("required", []))
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": shape.get("description", ""),
            "schema": {key: value for key, value in shape.items() if key != "description"},
        }
        for name, shape in schema["properties"].items()
    ]
