"""The memory helper as bots use it.

So neither Chroma nor the model is loaded where cases are decided. The helper is started by the
first request, and again when it has died. One that stands still is ended, and another started.
Every request may be repeated.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from pathlib import Path
from typing import Any

from bot.cases.errors import MemoryUnavailable
from bot.clock import monotonic
from knowledge.arrays import np
from knowledge.memory.embedder import Embedder
from knowledge.memory.helper_connection import (
    WELCOME_TIMEOUT_SECONDS,
    HelperConnection,
    HelperHung,
    open_connection,
)
from knowledge.memory.helper_protocol import (
    MAX_MESSAGE_BYTES,
    HelperAddress,
    HelperMessage,
    unpack,
)
from knowledge.memory.vector_index import StoredVector
from knowledge.memory.vectors import Vectors

log = logging.getLogger(__name__)
START_TIMEOUT_SECONDS = 30.0
START_POLL_INTERVAL_SECONDS = 0.02
ANSWER_TIMEOUT_SECONDS = 120.0
ANSWER_POLL_INTERVAL_SECONDS = 0.5
# Without an answer for so long, it is looked whether the helper is alive. Some work takes longer.
DOUBT_SECONDS = 15.0
END_TIMEOUT_SECONDS = 2.0
# After a failure whoever can do without the helper does not ask it, for so long.
AVOIDED_SECONDS = 30.0
MAX_ATTEMPTS = 3
NO_ANSWER = "memory does not answer"
NO_START = "the memory helper does not start"


@dataclass(frozen=True, slots=True)
class HelperOptions:
    """The options of a helper."""

    folder: Path
    #: Of a Chroma server; empty for one in the folder.
    chroma_url: str
    #: The identity of the embedder of what is indexed.
    identity: str
    #: The name of the embedder whose model the helper holds.
    embedder: str

    def command(self) -> list[str]:
        """Return the command that runs a helper."""
        module = "knowledge.memory.helper_server"
        options = [str(self.folder), self.chroma_url, self.identity, self.embedder]
        return [sys.executable, "-m", module, *options]


class HelperClient:
    """The connections of this process to the helper of a folder."""

    def __init__(
        self,
        options: HelperOptions,
        *,
        doubt_seconds: float = DOUBT_SECONDS,
        welcome_timeout: float = WELCOME_TIMEOUT_SECONDS,
    ) -> None:
        """Set the seconds until a helper is in doubt, and ended."""
        self.options = options
        self.doubt_seconds = doubt_seconds
        self.is_closed = False
        #: Why the helper could not be reached, until it answers again.
        self.trouble = ""
        self._welcome_timeout = welcome_timeout
        self._avoided_until = 0.0
        self._channels: list[HelperChannel] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._starting_lock = threading.Lock()

    @property
    def is_avoided(self) -> bool:
        """Tell whether it could not be reached a moment ago."""
        return bool(self.trouble) and monotonic() < self._avoided_until

    def channel(self) -> HelperChannel:
        """Make a connection that is opened by its first request."""
        channel = HelperChannel(self)
        self._channels.append(channel)
        return channel

    def connect(self) -> HelperConnection:
        """Connect to the helper; start one where none answers.

        Raises:
            MemoryUnavailable: it does not start, or cannot be ended.
        """
        for _ in range(MAX_ATTEMPTS):
            try:
                return self._connect()
            except HelperHung as standstill:
                self._end(standstill)
        raise self._fail(NO_ANSWER)

    def end_if_hung(self) -> None:
        """End the helper if it welcomes nobody.

        Raises:
            MemoryUnavailable: it does not, and cannot be ended.
        """
        try:
            connection = self._try_to_connect()
        except HelperHung as standstill:
            self._end(standstill)
        else:
            if connection:
                connection.close()

    def _connect(self) -> HelperConnection:
        deadline = monotonic() + START_TIMEOUT_SECONDS
        while not self.is_closed:
            connection = self._try_to_connect()
            if connection:
                return connection
            if monotonic() > deadline:
                raise self._fail(NO_START)
            with self._starting_lock:
                self._start_if_needed()
            time.sleep(START_POLL_INTERVAL_SECONDS)
        raise MemoryUnavailable("memory is closed")

    def close(self) -> None:
        """Close all connections. A helper without any ends."""
        self.is_closed = True
        for channel in self._channels:
            channel.disconnect()
        if self._process:
            # It stays when other bots use it.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_TIMEOUT_SECONDS)

    def _try_to_connect(self) -> HelperConnection | None:
        address = HelperAddress.read(self.options.folder)
        if address is None:
            return None
        try:
            return open_connection(
                address, timeout=self._welcome_timeout, is_cancelled=lambda: self.is_closed
            )
        except (OSError, EOFError, AuthenticationError):
            # It has ended, and perhaps not in order.
            return None

    def _end(self, standstill: HelperHung) -> None:
        """End a helper that stands still: another takes its place.

        What it answered is durable, and whatever it did not answer is asked again.
        """
        if standstill.pid is None:
            raise self._fail(NO_ANSWER)
        self._fail(NO_ANSWER)
        log.warning("%s: process %s stands still and is ended", NO_ANSWER, standstill.pid)
        with contextlib.suppress(ProcessLookupError):
            try:
                os.kill(standstill.pid, signal.SIGKILL)
            except PermissionError:
                raise self._fail(NO_ANSWER) from None

    def _fail(self, trouble: str) -> MemoryUnavailable:
        """Keep what is wrong, and return the error that says so."""
        self.trouble = trouble
        self._avoided_until = monotonic() + AVOIDED_SECONDS
        return MemoryUnavailable(trouble)

    def _start_if_needed(self) -> None:
        """Start a helper, unless the one that was started is still starting.

        Raises:
            MemoryUnavailable: the last one has failed.
        """
        if self._process:
            code = self._process.poll()
            if code is None:
                return
            self._process = None
            # Killed, or ended in favour of another one, it may be started again.
            if code > 0:
                raise self._fail(NO_START)
        self.options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # In a session of its own: an interrupt from the terminal is for the bot, which closes it.
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            self.options.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


class HelperChannel:
    """One connection to the helper, for one request at a time."""

    def __init__(self, client: HelperClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._connection: HelperConnection | None = None

    @property
    def is_connected(self) -> bool:
        """Tell whether there is a connection."""
        return self._connection is not None

    def request(self, call: str, array: Vectors | None = None, **fields: Any) -> HelperMessage:
        """Ask the helper, and return its answer.

        Raises:
            MemoryUnavailable: the index is not available, or the helper does not answer.
        """
        identity = self._client.options.identity
        message = HelperMessage({"call": call, "identity": identity, **fields}, array)
        with self._lock:
            answer = self._exchange(message.pack())
        if "failure" in answer.fields:
            raise MemoryUnavailable(answer.fields["failure"])
        return answer

    def disconnect(self) -> None:
        """Close the connection, once nobody waits for an answer."""
        with self._lock:
            self._close()

    def _exchange(self, message: bytes) -> HelperMessage:
        """Send a message and wait for the answer.

        A helper that has died or ended is started again: every request may be repeated.
        """
        for _ in range(MAX_ATTEMPTS):
            if self._connection is None:
                self._connection = self._client.connect()
            try:
                self._connection.send_bytes(message)
                answer = unpack(self._receive(self._connection))
                self._client.trouble = ""
                return answer
            except (OSError, EOFError):
                self._close()
            except ValueError as failure:
                self._close()
                raise MemoryUnavailable(f"the memory helper: {failure}") from None
        raise MemoryUnavailable(NO_ANSWER)

    def _receive(self, connection: HelperConnection) -> bytes:
        """Wait for an answer.

        Raises:
            OSError, EOFError: the helper has ended, by itself or because it stood still.
            MemoryUnavailable: it is alive and does not answer, or memory is closed.
        """
        client = self._client
        deadline = monotonic() + ANSWER_TIMEOUT_SECONDS
        in_doubt_at = monotonic() + client.doubt_seconds
        while not connection.poll(ANSWER_POLL_INTERVAL_SECONDS):
            if client.is_closed or monotonic() > deadline:
                # A late answer must not be taken for that of the next request.
                self._close()
                raise MemoryUnavailable(NO_ANSWER)
            if monotonic() > in_doubt_at:
                client.end_if_hung()
                in_doubt_at = monotonic() + client.doubt_seconds
        return connection.recv_bytes(MAX_MESSAGE_BYTES)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class RemoteVectorIndex:
    """The vector index of the helper."""

    def __init__(self, client: HelperClient) -> None:
        self.folder = client.options.folder
        self._client = client
        self._channel = client.channel()

    @property
    def trouble(self) -> str:
        """Return why the helper was not reached last time, or nothing."""
        return self._client.trouble

    @property
    def is_open(self) -> bool:
        """Tell whether the helper has been asked for anything."""
        return self._channel.is_connected

    def open(self) -> None:
        """Open the collection, or create an empty one."""
        self._channel.request("open")

    def begin_rebuild(self) -> bool:
        """Create an empty collection, or resume an interrupted rebuild."""
        return bool(self._channel.request("begin_rebuild").fields["result"])

    def finish_rebuild(self) -> None:
        """Mark the collection as complete."""
        self._channel.request("finish_rebuild")

    def set_aside(self) -> bool:
        """Rename an index that cannot be opened."""
        return bool(self._channel.request("set_aside").fields["result"])

    def close(self) -> None:
        """Close the connections to the helper."""
        self._client.close()

    def find(self, ids: Sequence[str]) -> dict[str, StoredVector]:
        """Return the vectors under these ids, as far as they are indexed."""
        if not ids:
            return {}
        answer = self._channel.request("find", ids=list(ids))
        checksums = answer.fields["checksums"]
        rows = answer.array if answer.array is not None else np.empty((0, 0), np.float32)
        vectors = {}
        for (row_id, checksum), vector in zip(checksums.items(), rows, strict=True):
            vectors[row_id] = StoredVector(checksum, vector)
        return vectors

    def upsert(self, ids: Sequence[str], vectors: Vectors, checksums: Sequence[str]) -> None:
        """Add vectors, and replace those under the same ids."""
        self._channel.request("upsert", vectors, ids=list(ids), checksums=list(checksums))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove these ids, as far as they are indexed."""
        if ids:
            self._channel.request("delete", ids=list(ids))

    def find_nearest(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Find ids with their cosine similarity, the nearest first."""
        pairs = self._channel.request("find_nearest", vector, limit=limit).fields["result"]
        return [(row_id, similarity) for row_id, similarity in pairs]

    def count(self) -> int:
        """Count the vectors."""
        return int(self._channel.request("count").fields["result"])

    def list_ids(self) -> list[str]:
        """List every id that is indexed."""
        return list(self._channel.request("list_ids").fields["result"])


class RemoteEmbedder:
    """An embedder whose model the helper holds.

    ``local`` takes over when the helper fails; it loads its model only then.
    """

    def __init__(self, client: HelperClient, local: Embedder) -> None:
        self.identity = local.identity
        self.is_semantic = local.is_semantic
        self._client = client
        self._channel = client.channel()
        self._local = local

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed each text as a row of length 1."""
        if self._client.is_avoided:
            # One case has waited for a helper that stands still; the next ones do not.
            return self._local.embed(texts)
        try:
            answer = self._channel.request("embed", texts=list(texts), model=self.identity)
        except MemoryUnavailable:
            return self._local.embed(texts)
        if answer.array is None or len(answer.array) != len(texts):
            return self._local.embed(texts)
        return answer.array
