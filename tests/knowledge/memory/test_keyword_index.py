"""Keywords: BM25 in files, which one process writes at a time and others read."""

import json

from filelock import FileLock

from knowledge.memory.keyword_index import KeywordEntry, KeywordIndex

TEXTS = {1: "Barolo 2017 runs low", 2: "Gin runs low", 3: "Invoice INV-X0053 matches nothing"}


def entries(texts, kind="low_stock", channel="C0STOCK"):
    return [KeywordEntry(key=key, kind=kind, channel=channel, text=texts[key]) for key in texts]


def open_index(folder, **options):
    index = KeywordIndex(folder / "keywords")
    index.open()
    return index


def search(index, text, kind="low_stock", channels=("C0STOCK",)):
    return [key for key, _ in index.search(text, 10, kind, channels)]


def test_the_rarer_word_counts_more_and_the_filter_nothing(tmp_path):
    index = open_index(tmp_path)
    index.update(entries(TEXTS), (), position=3)
    index.update(entries({4: TEXTS[1]}, kind="lead_cold"), (), position=4)
    index.update(entries({5: TEXTS[1]}, channel="C0SECRET"), (), position=5)
    assert search(index, "barolo runs") == [1, 2]
    assert set(search(index, "barolo", kind="")) == {1, 4}
    assert set(search(index, "barolo", kind="", channels=("C0STOCK", "C0SECRET"))) == {1, 4, 5}
    assert search(index, "barolo", channels=()) == search(index, "") == []


def test_texts_are_replaced_and_removed_and_the_place_is_kept(tmp_path):
    index = open_index(tmp_path)
    index.update(entries(TEXTS), (), position=3)
    index.update(entries({1: "Merlot runs low"}), [2], position=5)
    again = open_index(tmp_path)
    assert (search(again, "barolo"), search(again, "runs"), again.position) == ([], [1], 5)
    large_key = 2**64 - 1
    again.update(entries({large_key: "Gin"}), (), position=6)
    again.update((), [large_key], position=7)
    assert (search(again, "gin"), again.position) == ([], 7)


def test_a_reader_finds_what_another_process_wrote_and_does_not_write_beside_it(tmp_path):
    writer = open_index(tmp_path)
    reader = open_index(tmp_path)
    writer.update(entries(TEXTS), (), position=3)
    reader.refresh()
    assert search(reader, "gin") == [2]
    with FileLock(tmp_path / "keywords.lock"):
        reader.update(entries({9: "Rum"}), (), position=9)
    assert (search(reader, "rum"), reader.position) == ([], 3)
    reader.update(entries({9: "Rum"}), (), position=9)
    assert (search(reader, "rum"), reader.position) == ([9], 9)


def test_stems_and_the_parts_of_names_are_found(tmp_path):
    index = open_index(tmp_path)
    index.update(entries({1: "Pods that crash in a loop", 2: "TargetDown"}), (), position=2)
    assert search(index, "KubePodCrashLooping") == [1]
    assert search(index, "all targets are down") == [2]


def test_a_long_text_is_found_once_by_its_best_piece_and_removed_whole(tmp_path):
    long_text = " ".join([f"filler{number}" for number in range(200)] + ["gin", "gin"])
    others = {number: f"gin and rum {number}" for number in range(2, 8)}
    index = open_index(tmp_path)
    index.update(entries({1: long_text, **others}), (), position=7)
    found = index.search("filler199 filler150 filler30", 1, "low_stock", ["C0STOCK"])
    assert [key for key, _ in found] == [1]
    every = [key for key, _ in index.search("gin filler100 filler20", 7, "low_stock", ["C0STOCK"])]
    assert sorted(every) == [1, 2, 3, 4, 5, 6, 7]
    index.update((), [1], position=8)
    assert (
        search(index, "filler0") == search(index, "filler100") == search(index, "filler199") == []
    )


def test_an_index_of_an_earlier_format_is_filled_again(tmp_path):
    index = open_index(tmp_path)
    index.update(entries(TEXTS), (), position=3)
    path = tmp_path / "keywords" / "position.json"
    path.write_text(json.dumps({"format": 1, "position": 3}))
    again = open_index(tmp_path)
    assert again.position == 0
    again.update(entries(TEXTS), (), position=3)
    assert (search(again, "gin"), again.position) == ([2], 3)
