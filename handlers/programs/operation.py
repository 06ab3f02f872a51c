"""Operations of the HTTP API: routes with their descriptions."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from handlers.intake.problem import Problem

Endpoint = Callable[[Request], Awaitable[Response]]
Query = TypeVar("Query", bound=BaseModel)
_PATH_PARAMETER = re.compile(r"\{(\w+)\}")


class Access(StrEnum):
    """The credential that a caller must show."""

    #: Nothing.
    OPEN = "open"
    #: The credential of a source, as sources.yml says.
    SOURCE = "source"
    #: The operator's token, or a program's.
    READER = "reader"
    #: A program's token.
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class MadeShape:
    """A shape that costs something, and is made when it is described."""

    make: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    """The answer of an operation with one status."""

    description: str
    #: A model, a dataclass or a TypedDict; None for a body that is no JSON, or none.
    shape: Any = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route, and its description for programs."""

    #: A verb and a noun in camelCase: the name of the method in generated clients.
    name: str
    method: str = "GET"
    path: str
    endpoint: Endpoint
    tag: str
    #: One sentence in the imperative.
    summary: str
    access: Access
    #: By status; those of problems are in ``problems``.
    answers: Mapping[int, ApiAnswer]
    #: The statuses of problem documents, without 401 and 503, which follow from the access.
    problems: Sequence[int] = ()
    #: The parameters of the query string.
    query: type[BaseModel] | None = None
    #: The shape of the body; None for none.
    body: Any = None
    body_types: Sequence[str] = ("application/json",)
    #: What a path parameter is, by its name.
    path_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def route(self) -> Route:
        """The route of Starlette."""
        return Route(self.path, self.endpoint, methods=[self.method], name=self.name)

    @property
    def path_names(self) -> list[str]:
        """The names of the parameters in the path."""
        return _PATH_PARAMETER.findall(self.path)


def read_query(request: Request, model: type[Query]) -> Query:
    """Read the query string by its model.

    Raises:
        Problem: 422, with the parameter that is wrong.
    """
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in values:
            raise Problem(422, f"the parameter {name[:50]} is there twice", name)
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        names = ", ".join(model.model_fields)
        if first["type"] == "extra_forbidden":
            raise Problem(
                422, f"there is no parameter {name[:50]}; there are {names}", name
            ) from None
        raise Problem(422, f"{name}: {first['msg']}", name) from None
