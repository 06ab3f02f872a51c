"""Messages to the memory helper: what is written is read again, and nothing else."""

import json
import struct

import numpy as np
import pytest

from knowledge.memory.helper_protocol import HelperAddress, HelperMessage, unpack


def test_a_message_is_read_as_it_was_written():
    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    message = unpack(HelperMessage({"ids": ["é", "\ud800"]}, vectors).pack())
    assert message.fields["ids"] == ["é", "\ud800"]
    assert np.array_equal(message.array, vectors)
    assert unpack(HelperMessage({"call": "count"}).pack()).array is None


def pack(header, payload=b""):
    return struct.pack("<I", len(header)) + header + payload


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05\x00",
        pack(b"no JSON"),
        pack(b"[]"),
        pack(json.dumps({"version": 0, "call": "count"}).encode()),
        pack(json.dumps({"version": 1, "shape": [9, 9]}).encode(), b"short"),
        HelperMessage({"call": "count"}).pack()[:-3],
    ],
)
def test_what_is_no_message_of_this_version_is_refused(content):
    with pytest.raises(ValueError, match="."):
        unpack(content)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"socket": "x", "key": "no", "pid": 1}'])
def test_a_damaged_address_is_none(tmp_path, content):
    (tmp_path / "helper.json").write_text(content)
    assert HelperAddress.read(tmp_path) is None
    assert HelperAddress.read(tmp_path / "nowhere") is None
