"""The messages between a bot and its memory helper.

A message is a JSON header and at most one array of floats. Nothing that is received is ever code.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.arrays import np
from knowledge.memory.vectors import Vectors

VERSION = 1
ADDRESS_FILE = "helper.json"
MAX_MESSAGE_BYTES = 256 * 1024 * 1024
# The kernel's limit on the path of a socket is 104 bytes and more.
MAX_SOCKET_PATH = 90
_HEADER_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class HelperMessage:
    """A request, or its answer."""

    fields: Mapping[str, Any]
    array: Vectors | None = None

    def pack(self) -> bytes:
        """Write it as bytes."""
        fields = {**self.fields, "version": VERSION}
        payload = b""
        if self.array is not None:
            fields["shape"] = list(self.array.shape)
            payload = np.ascontiguousarray(self.array, "<f4").tobytes()
        # Escapes keep halves of surrogate pairs, which UTF-8 has no bytes for.
        header = json.dumps(fields).encode()
        return _HEADER_LENGTH.pack(len(header)) + header + payload


def unpack(content: bytes) -> HelperMessage:
    """Read a message.

    Raises:
        ValueError: it is none, or of another version.
    """
    try:
        (length,) = _HEADER_LENGTH.unpack_from(content)
    except struct.error:
        raise ValueError("the message is cut off") from None
    start = _HEADER_LENGTH.size
    fields = json.loads(content[start : start + length])
    if not isinstance(fields, dict) or fields.get("version") != VERSION:
        raise ValueError("the message is of another version")
    array = None
    if "shape" in fields:
        array = np.frombuffer(content, "<f4", offset=start + length).reshape(fields["shape"])
    return HelperMessage(fields, array)


@dataclass(frozen=True, slots=True)
class HelperAddress:
    """The socket of a helper, and the key to it."""

    socket_path: str
    key: bytes
    pid: int

    @classmethod
    def choose(cls, folder: Path) -> HelperAddress:
        """Choose a socket in this folder, or under a shorter name."""
        path = folder / "helper.sock"
        if len(os.fsencode(path)) > MAX_SOCKET_PATH:
            path = Path(tempfile.mkdtemp(prefix="countersign-")) / "helper.sock"
        path.unlink(missing_ok=True)
        return cls(str(path), os.urandom(32), os.getpid())

    @classmethod
    def read(cls, folder: Path) -> HelperAddress | None:
        """Read the address of this folder's helper; None without one."""
        try:
            fields = json.loads((folder / ADDRESS_FILE).read_text())
            return cls(str(fields["socket"]), bytes.fromhex(fields["key"]), int(fields["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Write it to a file that nobody else may read."""
        part = folder / f"{ADDRESS_FILE}.part"
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            fields = {"socket": self.socket_path, "key": self.key.hex(), "pid": self.pid}
            json.dump(fields, file)
        part.replace(folder / ADDRESS_FILE)

    def remove(self, folder: Path) -> None:
        """Remove the file and the socket."""
        (folder / ADDRESS_FILE).unlink(missing_ok=True)
        path = Path(self.socket_path)
        path.unlink(missing_ok=True)
        if path.parent != folder:
            path.parent.rmdir()
