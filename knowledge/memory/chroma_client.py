"""Chroma's clients. Importing this module takes a second."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bot.lazy_module import lazy_functions

# Of Chroma's own traces, and made where a setting of Chroma's names their address. With gRPC it is
# 10 MB, and a third of the import.
with lazy_functions("opentelemetry.exporter.otlp.proto.grpc.trace_exporter", "OTLPSpanExporter"):
    import chromadb
    from chromadb.api.shared_system_client import SharedSystemClient
    from chromadb.config import Settings

HTTP_PORT = 8000
HTTPS_PORT = 443


def open_folder(folder: Path) -> Any:
    """Open an embedded database."""
    return chromadb.PersistentClient(str(folder), settings=_settings())


def open_server(url: str) -> Any:
    """Connect to a Chroma server."""
    address = urlsplit(url)
    is_secure = address.scheme == "https"
    default_port = HTTPS_PORT if is_secure else HTTP_PORT
    return chromadb.HttpClient(
        host=address.hostname or "localhost",
        port=address.port or default_port,
        ssl=is_secure,
        settings=_settings(),
    )


def clear_cache() -> None:
    """Let Chroma forget every folder that it opened, broken or not."""
    SharedSystemClient.clear_system_cache()


def _settings() -> Settings:
    return Settings(anonymized_telemetry=False)
