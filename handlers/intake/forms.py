"""Forms: the bodies that browsers and older products send."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from python_multipart import multipart
else:
    # Few senders send files.
    multipart = LazyModule("python_multipart.multipart")

MAX_FORM_FIELDS = 1_000
#: Parts of a body with files; a mail has a dozen.
MAX_PARTS = 200
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 4 * 1024
MAX_FILE_TEXT_LENGTH = 20_000
# Escaped names and values: no space, no line end, nothing beyond ASCII.
_FORM = re.compile(rb"[!-%'-;>-~]+=[!-~]*")
_FIRST_LINE = re.compile(rb"--([0-9A-Za-z'()+_,./:=?-]{1,70})\r\n")


def is_form(body: bytes) -> bool:
    """Tell whether the bytes are an escaped form and nothing else."""
    return bool(_FORM.fullmatch(body))


def read_form(body: bytes) -> dict[str, Any]:
    """Read an escaped form as an object."""
    text = body.decode("ascii", "replace") if is_form(body) else read_text(body)
    # Cut before it is read: a flood of fields would take as long as a flood of requests.
    fields = "&".join(text.split("&", MAX_FORM_FIELDS)[:MAX_FORM_FIELDS])
    return gather_fields(parse_qsl(fields, keep_blank_values=True))


def read_parts(body: bytes) -> dict[str, Any] | None:
    """Read a form with files (multipart); None where the bytes are none.

    The boundary is that of the first line. A content type could name another one, and nobody signs
    that.
    """
    first_line = _FIRST_LINE.match(body)
    if first_line is None or not body.rstrip(b"\r\n").endswith(b"--%b--" % first_line[1]):
        # The end is missing: as text all that did arrive is there.
        return None
    parts = FormParts()
    try:
        parts.parse(body, first_line[1])
    except (ValueError, TooManyParts):
        return None
    finally:
        parts.close()
    return gather_fields(parts.fields)


def gather_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of fields; one that is repeated becomes a list."""
    values: dict[str, list[Any]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: every if len(every) > 1 else every[0] for name, every in values.items()}


def read_text(body: bytes) -> str:
    """Decode UTF-8, or Latin-1, which loses no byte."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


class TooManyParts(Exception):
    """A body with more parts than anybody needs."""


class FormParts:
    """The fields and files of one body."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, Any]] = []
        self._files: list[multipart.File] = []

    def parse(self, body: bytes, boundary: bytes) -> None:
        """Parse the parts.

        Raises:
            ValueError: they are malformed or cut off.
            TooManyParts: there are more than ``MAX_PARTS``.
        """
        parser = multipart.FormParser(
            "multipart/form-data",
            self._add_field,
            self._add_file,
            boundary=boundary,
            config={
                # In memory, and never in a file: the body is bounded already.
                "MAX_MEMORY_FILE_SIZE": len(body) + 1,
                "MAX_HEADER_COUNT": MAX_PART_HEADERS,
                "MAX_HEADER_SIZE": MAX_PART_HEADER_BYTES,
            },
        )
        parser.write(body)
        parser.finalize()
        parser.close()

    def close(self) -> None:
        """Give the memory of the files back."""
        for file in self._files:
            file.close()

    def _add_field(self, field: multipart.Field) -> None:
        self._add(field.field_name, read_text(field.value or b""))

    def _add_file(self, file: multipart.File) -> None:
        self._files.append(file)
        file.file_object.seek(0)
        content = file.file_object.read()
        description: dict[str, Any] = {
            "name": read_text(file.file_name or b""),
            "type": file.content_type or "",
            "size": len(content),
        }
        text = _plain_text(content)
        if text is not None:
            description["text"] = text[:MAX_FILE_TEXT_LENGTH]
        self._add(file.field_name, description)

    def _add(self, name: bytes | None, value: Any) -> None:
        if len(self.fields) >= MAX_PARTS:
            raise TooManyParts
        self.fields.append((read_text(name or b""), value))


def _plain_text(content: bytes) -> str | None:
    """Return the text of a file; None where it is none."""
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
