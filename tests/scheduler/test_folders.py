"""Watched folders: a file is read when it is complete, moved, and never counts twice."""

import csv
import uuid

import fsspec
from fsspec.implementations.local import LocalFileSystem
from moto.server import ThreadedMotoServer

from bot.cases.source import Folder, Format, SignalMapping, Source
from bot.row_files import read_signals
from scheduler.folders import FolderWatch
from tests.servers import free_port

HEADER = "number,what\n"
MAPPING = SignalMapping(
    key=("item.number",),
    subject="thing:{item.number}",
    title="{item.what}",
    ignore="item.what == 'fine'",
)


def watch_of(world, path) -> FolderWatch:
    folder = Folder(path=str(path))
    source = Source(name="exports", format=Format.MAPPING, mapping=MAPPING, folder=folder)
    return FolderWatch(
        source=source, folder=folder, intake=world.desk.intake, read_rows=read_signals
    )


def titles(world) -> list[str]:
    last = world.store.cases.last_case_number()
    return [world.store.cases.case(f"EX-{n}").signal.title for n in range(1, last + 1)]


def test_a_file_is_read_once_it_has_stopped_growing(world, tmp_path):
    watch = watch_of(world, tmp_path)
    file = tmp_path / "a.csv"
    file.write_text(HEADER + "1,First\n")
    assert watch.poll() == 0
    file.write_text(HEADER + "1,First\n2,Second\n")
    assert watch.poll() == 0
    assert watch.poll() == 1
    assert titles(world) == ["First", "Second"]
    assert not file.exists()
    assert (tmp_path / "read/a.csv").exists()
    assert watch.poll() == 0


def test_a_file_of_the_same_name_is_another_file(world, tmp_path):
    watch = watch_of(world, tmp_path)
    for text in ("1,First\n", "2,Second\n"):
        (tmp_path / "a.csv").write_text(HEADER + text)
        watch.poll()
        watch.poll()
    assert titles(world) == ["First", "Second"]
    assert sorted(path.name for path in (tmp_path / "read").iterdir()) == ["a-2.csv", "a.csv"]


def test_rows_that_cannot_be_read_are_listed_beside_the_file(world, tmp_path):
    watch = watch_of(world, tmp_path)
    (tmp_path / "a.csv").write_text(HEADER + "1,First,more\n2,Second\n3,fine\n")
    watch.poll()
    watch.poll()
    assert titles(world) == ["Second"]
    with (tmp_path / "read/a.csv.problems.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["line"] for row in rows] == ["2"]
    assert "more cells than the header" in rows[0]["problem"]


def test_a_file_that_was_read_before_a_crash_counts_nothing_twice(world, tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "1,First\n")
    first = watch_of(world, tmp_path)
    first.poll()
    # The rows are stored, and the process ends before the file is moved.
    first._set_aside = lambda *_: None
    first.poll()
    second = watch_of(world, tmp_path)
    second.poll()
    assert second.poll() == 1
    assert titles(world) == ["First"]
    assert world.store.cases.case("EX-1").activity.signal_count == 1


def test_a_file_that_cannot_be_moved_is_read_once(world, tmp_path, monkeypatch, caplog):
    def refuse(*_, **__):
        raise PermissionError("the folder is read-only")

    monkeypatch.setattr(LocalFileSystem, "mv", refuse)
    (tmp_path / "a.csv").write_text(HEADER + "1,First\n")
    watch = watch_of(world, tmp_path)
    assert [watch.poll() for _ in range(4)] == [0, 1, 0, 0]
    assert titles(world) == ["First"]
    assert "cannot be moved" in caplog.text


def test_a_folder_that_is_not_there_changes_nothing(world, tmp_path, caplog):
    assert watch_of(world, tmp_path / "nowhere").poll() == 0
    assert watch_of(world, "nosuch://bucket/x").poll() == 0
    assert "cannot be read" in caplog.text


def test_only_the_files_of_the_pattern_and_of_the_folder_itself_are_read(world, tmp_path):
    (tmp_path / "deeper").mkdir()
    for name in ("a.txt", "deeper/b.csv", ".hidden.tmp"):
        (tmp_path / name).write_text(HEADER + "1,Never\n")
    watch = watch_of(world, tmp_path)
    assert [watch.poll(), watch.poll()] == [0, 0]
    assert titles(world) == []


def test_a_prefix_of_an_object_store_is_watched_like_a_folder(world, monkeypatch):
    port = free_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # Those of another test are kept, with the address of its server.
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        bucket = f"exports-{uuid.uuid4().hex[:8]}"
        store = fsspec.filesystem("s3")
        store.mkdir(bucket)
        watch = watch_of(world, f"s3://{bucket}/daily")
        store.pipe(f"{bucket}/daily/a.csv", (HEADER + "1,First\n").encode())
        assert [watch.poll(), watch.poll(), watch.poll()] == [0, 1, 0]
        assert titles(world) == ["First"]
        store.invalidate_cache()
        assert store.ls(f"{bucket}/daily/read", detail=False) == [f"{bucket}/daily/read/a.csv"]
    finally:
        server.stop()
