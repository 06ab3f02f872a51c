"""The components that CPU time is attributed to, by the file and name of a function."""

import re

#: The first pattern that is found in "file:function" names the component.
COMPONENTS: tuple[tuple[str, str], ...] = (
    # Its functions do nothing but call the driver.
    ("SQLite", r"/tests/bench/statements\.py"),
    ("embedding", r"onnxruntime|tokenizers|/knowledge/memory/(minilm|embedder|token_)"),
    ("memory", r"/knowledge/|chromadb|tantivy|numpy|sklearn|scipy|posthog|opentelemetry"),
    ("PostgreSQL driver", r"/psycopg"),
    ("SQLAlchemy", r"sqlalchemy"),
    ("writer and transactions", r"/bot/store/(database|unit_of_work|local_workers)\.py"),
    ("store", r"/bot/store/"),
    (
        "serialisation",
        r"/json/|pydantic|rfc8785|hashlib|_json|/bot/cases/canonical\.py|cryptography",
    ),
    ("rules", r"/bot/cases/|/bot/views/"),
    ("connector", r"/bot/connectors/"),
    ("cards", r"/handlers/cards/"),
    ("Slack", r"/handlers/slack/|slack_sdk|slack_bolt|/urllib/|/http/client|websocket|/ssl\.py"),
    ("door", r"/handlers/intake/|uvicorn|starlette|anyio|httptools|/asyncio/|uvloop|h11|/email/"),
    ("desk", r"/bot/desk/|/bot/"),
    ("threads", r"/threading\.py|/queue\.py|/concurrent/|_thread\.|SimpleQueue|/contextvars"),
    ("socket", r"socket\.|/socket\.py|/selectors\.py|select\.|poll"),
    ("the bench", r"/tests/bench/"),
)
REST = "rest"
_PATTERNS = [(name, re.compile(pattern)) for name, pattern in COMPONENTS]


def component_of(place: str) -> str:
    """Return the component of a function; ``place`` is its file or module with its name."""
    for name, pattern in _PATTERNS:
        if pattern.search(place):
            return name
    return REST
