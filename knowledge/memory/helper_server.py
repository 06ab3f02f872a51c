"""The memory helper: the process that holds Chroma and the model.

It serves all bots of a folder. A bot starts it when it first needs either; it ends with the last
connection, or when nobody has asked for long. Its arguments are those of ``HelperOptions``.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from bot.cases.errors import MemoryUnavailable
from bot.clock import monotonic
from knowledge.memory.embedder import Embedder, open_embedder
from knowledge.memory.helper_protocol import (
    MAX_MESSAGE_BYTES,
    HelperAddress,
    HelperMessage,
    unpack,
)
from knowledge.memory.vector_index import REBUILD_HINT, VectorIndex

# Nobody has connected, or nobody has asked, for so long.
FIRST_CONNECTION_SECONDS = 30.0
IDLE_SECONDS = 900.0
# Bots that look at once whether it is alive.
MAX_WAITING_CONNECTIONS = 64


class HelperServer:
    """Answers requests for vectors, each connection in a thread of its own."""

    def __init__(
        self,
        vectors: VectorIndex,
        identity: str,
        open_model: Callable[[], Embedder],
    ) -> None:
        self._vectors = vectors
        self._identity = identity
        # Chroma's client serves one thread at a time here; embedding does not wait for it.
        self._vectors_lock = threading.Lock()
        self._open_model = open_model
        self._model: Embedder | None = None
        self._model_lock = threading.Lock()
        self._connection_lock = threading.Lock()
        self._connection_count = 0
        self._last_request = monotonic()
        self._is_over = threading.Event()

    def run(self, listener: Listener) -> None:
        """Serve until the last connection is closed, or nobody asks any more."""
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()
        limit = FIRST_CONNECTION_SECONDS
        while not self._is_over.wait(limit / 10):
            limit = IDLE_SECONDS if self._connection_count else FIRST_CONNECTION_SECONDS
            if monotonic() - self._last_request > limit:
                return

    def _accept(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except (AuthenticationError, OSError, EOFError):
                # A process without the key, or one that is gone already.
                continue
            with self._connection_lock:
                self._connection_count += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: "Connection[Any, Any]") -> None:
        with contextlib.suppress(OSError, EOFError), connection:
            while True:
                content = connection.recv_bytes(MAX_MESSAGE_BYTES)
                self._last_request = monotonic()
                connection.send_bytes(self._answer(content).pack())
                self._last_request = monotonic()
        with self._connection_lock:
            self._connection_count -= 1
            if not self._connection_count:
                self._is_over.set()

    def _answer(self, content: bytes) -> HelperMessage:
        try:
            request = unpack(content)
            if request.fields["call"] == "embed":
                return HelperMessage({}, self._embed(request))
            if request.fields["identity"] != self._identity:
                raise MemoryUnavailable(
                    f"another process uses the memory with {self._identity}; stop it"
                )
            with self._vectors_lock:
                return self._read(request) or self._change(request)
        except MemoryUnavailable as failure:
            return HelperMessage({"failure": str(failure)})
        # Panics of Chroma's Rust code derive from BaseException.
        except BaseException as failure:
            name = type(failure).__name__
            return HelperMessage({"failure": f"the index is broken ({name}); {REBUILD_HINT}"})

    def _embed(self, request: HelperMessage) -> Any:
        with self._model_lock:
            if self._model is None:
                self._model = self._open_model()
        # A bot of before the last change of the setting may still hold this helper.
        if request.fields.get("model", self._model.identity) != self._model.identity:
            raise MemoryUnavailable(f"the memory helper embeds with {self._model.identity}")
        return self._model.embed(request.fields["texts"])

    def _read(self, request: HelperMessage) -> HelperMessage | None:
        """Answer a request that changes nothing; None for any other."""
        vectors = self._vectors
        match request.fields["call"]:
            case "open":
                vectors.open()
                return HelperMessage({})
            case "find":
                return self._find(request.fields["ids"])
            case "find_nearest":
                pairs = vectors.find_nearest(_array(request), request.fields["limit"])
                return HelperMessage({"result": pairs})
            case "count":
                return HelperMessage({"result": vectors.count()})
            case "list_ids":
                return HelperMessage({"result": vectors.list_ids()})
            case _:
                return None

    def _change(self, request: HelperMessage) -> HelperMessage:
        vectors = self._vectors
        fields = request.fields
        result = None
        match fields["call"]:
            case "upsert":
                vectors.upsert(fields["ids"], _array(request), fields["checksums"])
            case "delete":
                vectors.delete(fields["ids"])
            case "begin_rebuild":
                result = vectors.begin_rebuild()
            case "finish_rebuild":
                vectors.finish_rebuild()
            case "set_aside":
                result = vectors.set_aside()
            case _:
                raise ValueError("there is no such call")
        return HelperMessage({"result": result})

    def _find(self, ids: list[str]) -> HelperMessage:
        rows = self._vectors.find(ids)
        if not rows:
            return HelperMessage({"checksums": {}})
        checksums = {row_id: row.checksum for row_id, row in rows.items()}
        return HelperMessage(
            {"checksums": checksums}, np.array([row.vector for row in rows.values()])
        )


def _array(request: HelperMessage) -> Any:
    if request.array is None:
        raise ValueError("the request has no vectors")
    return request.array


def _open_model(name: str) -> Embedder:
    """Open the embedder of recognition by its name in the settings."""
    return open_embedder(name)


def main() -> None:
    """Serve one folder; leave it to another helper that does so already."""
    folder = Path(sys.argv[1])
    url, identity, embedder = sys.argv[2:5]
    lock = FileLock(folder / "helper.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    address = HelperAddress.choose(folder)
    listener = Listener(
        address.socket_path, "AF_UNIX", backlog=MAX_WAITING_CONNECTIONS, authkey=address.key
    )
    # Before anybody is told of the socket.
    Path(address.socket_path).chmod(0o600)
    address.write(folder)
    vectors = VectorIndex(folder, url, identity)
    server = HelperServer(vectors, identity, partial(_open_model, embedder))
    try:
        server.run(listener)
    finally:
        address.remove(folder)
        lock.release()
    sys.stdout.flush()
    # Native libraries may be at work still; what was answered is durable.
    os._exit(0)


if __name__ == "__main__":
    main()
