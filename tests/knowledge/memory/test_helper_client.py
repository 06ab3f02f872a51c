"""The memory helper: one process for all bots of a folder, which leaves nothing behind."""

import contextlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from textwrap import dedent

import numpy as np
import psutil
import pytest

from bot.cases.errors import MemoryUnavailable
from knowledge.memory.embedder import HashedWordsEmbedder
from knowledge.memory.folder_model import FolderModel
from knowledge.memory.helper_client import (
    HelperClient,
    HelperOptions,
    RemoteEmbedder,
    RemoteVectorIndex,
)
from knowledge.memory.helper_connection import find_hung_helper
from knowledge.memory.helper_protocol import HelperAddress, HelperMessage, unpack
from knowledge.memory.precedent_memory import PrecedentMemory
from tests.knowledge.memory.stories import STORIES, recall_ids, stories
from tests.knowledge.memory.tiny_models import write_model
from tests.store.test_precedents import precedent
from tests.waiting import wait_until

WORDS = HashedWordsEmbedder()
# Seconds that one has to show itself: a helper that is well is not hurried on a busy machine.
PATIENCE = 5


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "memory"


@pytest.fixture
def open_client(folder):
    """Open clients of one folder; all are closed after the test, and the helper is gone."""
    clients = []

    def open_one(*, patience=None, **changes):
        options = {"chroma_url": "", "identity": WORDS.identity, "embedder": "words"}
        waits = {"doubt_seconds": patience, "welcome_timeout": patience} if patience else {}
        options = HelperOptions(folder=folder, **{**options, **changes})
        clients.append(HelperClient(options, **waits))
        return clients[-1]

    yield open_one
    address = HelperAddress.read(folder)
    for client in clients:
        client.close()
    if address:
        wait_until_gone(address.pid)


def wait_until_gone(pid):
    def is_gone():
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_until(is_gone, f"the end of helper {pid}")


def helper_pid(folder):
    return HelperAddress.read(folder).pid


def test_it_stores_and_finds_what_the_index_would(open_client):
    index = RemoteVectorIndex(open_client())
    vectors = WORDS.embed(list(STORIES.values()))
    ids = ["EX-é", "EX-2", "EX-3", "EX-4"]
    assert (index.find([]), index.is_open) == ({}, False)
    index.upsert(ids, vectors, ["a", "b", "c", "d"])
    assert (index.count(), set(index.list_ids()), index.is_open) == (4, set(ids), True)
    stored = index.find(["EX-2", "EX-none"])
    assert list(stored) == ["EX-2"]
    assert stored["EX-2"].checksum == "b"
    assert np.array_equal(stored["EX-2"].vector, vectors[1])
    assert index.find_nearest(vectors[2], 1) == [("EX-3", pytest.approx(1))]
    index.delete(["EX-2"])
    assert (index.count(), index.find(["EX-2"])) == (3, {})


def test_all_bots_share_one_that_ends_with_the_last_of_them(open_client, folder):
    first = open_client()
    second = open_client()
    RemoteVectorIndex(first).upsert(["a"], WORDS.embed(["x"]), ["1"])
    other = RemoteVectorIndex(second)
    assert other.count() == 1
    pid = helper_pid(folder)
    first.close()
    assert (other.count(), helper_pid(folder)) == (1, pid)
    second.close()
    wait_until_gone(pid)
    assert HelperAddress.read(folder) is None
    assert not list(folder.glob("*.sock"))


def test_one_that_dies_is_started_again(open_client, folder):
    index = RemoteVectorIndex(open_client())
    index.upsert(["a"], WORDS.embed(["x"]), ["1"])
    pid = helper_pid(folder)
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert index.count() == 1
    assert helper_pid(folder) != pid


@pytest.fixture
def stopped(open_client, folder):
    """A helper that another bot has filled, and that stands still: its socket is there."""
    RemoteVectorIndex(open_client()).upsert(["a"], WORDS.embed(["x"]), ["1"])
    pid = helper_pid(folder)
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "it to stand still")
    yield pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@pytest.mark.proof
def test_one_that_stands_still_is_ended_and_another_answers(open_client, folder, stopped):
    client = open_client(patience=PATIENCE)
    assert RemoteVectorIndex(client).count() == 1
    assert helper_pid(folder) != stopped
    wait_until_gone(stopped)
    # What was wrong is told until it is over.
    assert client.trouble == ""


@pytest.mark.proof
def test_one_that_stops_in_the_midst_of_a_request_is_found_out(open_client, folder):
    client = open_client(patience=PATIENCE)
    index = RemoteVectorIndex(client)
    index.upsert(["a"], WORDS.embed(["x"]), ["1"])
    pid = helper_pid(folder)
    os.kill(pid, signal.SIGSTOP)
    assert index.count() == 1
    wait_until_gone(pid)
    assert (helper_pid(folder) != pid, client.trouble) == (True, "")


BUSY_HELPER = """
    import sys, time
    from multiprocessing.connection import Listener
    from pathlib import Path
    from knowledge.memory.helper_protocol import HelperAddress
    from knowledge.memory.helper_server import HelperServer

    class Vectors:
        def count(self):
            while not Path(sys.argv[2]).exists():
                time.sleep(0.02)
            return 7

    folder = Path(sys.argv[1])
    address = HelperAddress.choose(folder)
    listener = Listener(address.socket_path, "AF_UNIX", authkey=address.key)
    address.write(folder)
    HelperServer(Vectors(), "words", lambda: None).run(listener)
"""


@pytest.mark.proof
def test_one_that_is_only_busy_is_left_alone(folder, tmp_path, monkeypatch):
    """For longer than anybody waits without doubt; but it welcomes whoever looks."""
    folder.mkdir()
    arguments = [sys.executable, "-c", dedent(BUSY_HELPER), str(folder), str(tmp_path / "done")]
    client = HelperClient(HelperOptions(folder, "", "words", "words"), doubt_seconds=0.1)
    look, looks = client.end_if_hung, []
    monkeypatch.setattr(client, "end_if_hung", lambda: looks.append(look()))
    with subprocess.Popen(arguments) as process, ThreadPoolExecutor() as pool:
        wait_until(lambda: HelperAddress.read(folder), "the helper")
        answer = pool.submit(RemoteVectorIndex(client).count)
        wait_until(lambda: len(looks) > 1, "two looks at a helper that works")
        (tmp_path / "done").touch()
        assert (answer.result(60), process.poll(), client.trouble) == (7, None, "")
        client.close()


@pytest.mark.proof
def test_what_is_no_helper_of_ours_is_not_ended_and_is_told(open_client, folder, stopped):
    """Whose number the file has, and who listens, must be one."""
    address = HelperAddress.read(folder)
    replace(address, pid=os.getpid()).write(folder)
    client = open_client(patience=PATIENCE)
    with pytest.raises(MemoryUnavailable, match="^memory does not answer$"):
        RemoteVectorIndex(client).count()
    assert client.trouble == "memory does not answer"
    assert psutil.Process(stopped).status() == psutil.STATUS_STOPPED
    # Whoever can do without it does not wait again.
    assert np.array_equal(RemoteEmbedder(client, WORDS).embed(["x"]), WORDS.embed(["x"]))
    hung = find_hung_helper(folder, timeout=PATIENCE)
    assert (hung is not None, hung.pid) == (True, None)
    address.write(folder)
    assert find_hung_helper(folder, timeout=PATIENCE).pid == stopped
    os.kill(stopped, signal.SIGCONT)
    assert find_hung_helper(folder, timeout=60) is None
    assert (RemoteVectorIndex(client).count(), client.trouble) == (1, "")


@pytest.mark.proof
def test_closing_does_not_wait_for_one_that_stands_still(open_client, stopped):
    client = open_client()
    index = RemoteVectorIndex(client)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(index.count)
        # It has connected, and waits to be welcomed.
        wait_until(index._channel._lock.locked, "the request")
        client.close()
        with pytest.raises(MemoryUnavailable):
            asked.result(60)


BOT = """
    import os, sys
    from pathlib import Path
    from knowledge.memory.helper_client import HelperClient, HelperOptions, RemoteVectorIndex

    index = RemoteVectorIndex(HelperClient(HelperOptions(Path(sys.argv[1]), "", "x", "words")))
    index.open()
    loaded = {"chromadb", "onnxruntime"} & set(sys.modules)
    print(loaded or "neither", flush=True)
    os.kill(os.getpid(), int(sys.argv[2]))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_bot_that_is_killed_leaves_no_helper_and_loads_no_library(folder, number):
    arguments = [sys.executable, "-c", dedent(BOT), str(folder), str(int(number))]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "neither\n"
        address = HelperAddress.read(folder)
    if address:
        wait_until_gone(address.pid)
    wait_until(lambda: HelperAddress.read(folder) is None, "the end of the helper")


def test_nobody_else_gets_in_and_what_is_no_request_harms_nobody(open_client, folder):
    index = RemoteVectorIndex(open_client())
    index.open()
    address = HelperAddress.read(folder)
    assert (folder / "helper.json").stat().st_mode & 0o777 == 0o600
    assert os.stat(address.socket_path).st_mode & 0o077 == 0
    with pytest.raises(AuthenticationError):
        Client(address.socket_path, "AF_UNIX", authkey=b"guess")
    with Client(address.socket_path, "AF_UNIX", authkey=address.key) as connection:
        for content in (b"", b"\x80\x04garbage", HelperMessage({"call": "exit"}).pack()):
            connection.send_bytes(content)
            assert "broken" in unpack(connection.recv_bytes()).fields["failure"]
    assert index.count() == 0


def test_another_embedder_is_refused(open_client):
    RemoteVectorIndex(open_client()).open()
    other = RemoteVectorIndex(open_client(identity="another"))
    with pytest.raises(MemoryUnavailable, match="another process uses the memory"):
        other.upsert(["a"], WORDS.embed(["x"]), ["1"])


def test_a_socket_of_a_long_name_is_elsewhere(tmp_path):
    folder = tmp_path / ("long" * 25)
    client = HelperClient(HelperOptions(folder, "", WORDS.identity, "words"))
    assert RemoteVectorIndex(client).count() == 0
    address = HelperAddress.read(folder)
    client.close()
    wait_until_gone(address.pid)
    assert not os.path.exists(os.path.dirname(address.socket_path))


def test_a_helper_that_cannot_start_is_a_reason(folder):
    folder.write_text("no folder")
    client = HelperClient(HelperOptions(folder / "memory", "", WORDS.identity, "words"))
    with pytest.raises((MemoryUnavailable, OSError)):
        RemoteVectorIndex(client).open()
    client.close()
    with pytest.raises(MemoryUnavailable):
        client.connect()


def test_it_embeds_as_the_model_here_would_which_takes_over_when_it_fails(open_client):
    client = open_client()
    remote = RemoteEmbedder(client, WORDS)
    texts = ["Barolo is low", ""]
    assert np.array_equal(remote.embed(texts), WORDS.embed(texts))
    client.close()
    assert np.array_equal(remote.embed(texts), WORDS.embed(texts))
    assert (remote.identity, remote.is_semantic) == (WORDS.identity, False)


def test_a_helper_holds_the_model_of_a_folder(open_client, tmp_path):
    write_model(tmp_path, "mpnet")
    model = FolderModel(tmp_path)
    remote = RemoteEmbedder(open_client(embedder=f"folder:{tmp_path}"), model)
    vectors = remote.embed(["the merlot is low", "a"])
    # Not loaded here: the helper has answered.
    assert model._session is None
    assert np.array_equal(vectors, model.embed(["the merlot is low", "a"]))


def test_a_helper_of_another_model_embeds_for_nobody_else(open_client, token_table):
    RemoteEmbedder(open_client(), WORDS).embed(["hello"])
    remote = RemoteEmbedder(open_client(embedder=""), token_table)
    assert np.array_equal(remote.embed(["Barolo is low"]), token_table.embed(["Barolo is low"]))


def test_memories_of_two_bots_are_filled_through_one_helper(open_client, shelf):
    shelf.save(stories())
    first, second = (
        PrecedentMemory(shelf, WORDS, RemoteVectorIndex(open_client()), answer_timeout=60)
        for _ in range(2)
    )
    first.open()
    second.open()
    shelf.save([precedent("EX-new", signal_text=f"{STORIES['wine']} again")])
    assert (first.catch_up(), second.catch_up()) == (1, 1)
    for memory in (first, second):
        assert set(recall_ids(memory, STORIES["wine"])) == {"EX-wine", "EX-new"}
    first.close()
    assert second.rebuild(lambda count: None) == 5
    assert set(recall_ids(second, STORIES["wine"])) == {"EX-wine", "EX-new"}
    second.close()
