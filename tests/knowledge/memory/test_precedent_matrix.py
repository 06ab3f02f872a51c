"""The matrix finds exactly what a plain computation finds, whatever was added and removed."""

from datetime import timedelta

import numpy as np
import pytest

from knowledge.memory import mirror_file, precedent_matrix
from knowledge.memory.matrix_rows import MatrixEntry, hash_key
from knowledge.memory.mirror_file import MirrorFolder
from knowledge.memory.precedent_matrix import MIN_ADDED_ROWS, PrecedentMatrix
from knowledge.memory.precedent_query import Scope
from knowledge.memory.vectors import to_unit_length
from tests.cases.making import NOW
from tests.store.test_precedents import precedent

SIZE = 24
KINDS = ("low_stock", "lead_cold", "late_visit")
CHANNELS = ("C0STOCK", "C0SECRET", "")


@pytest.fixture
def matrix(tmp_path):
    return PrecedentMatrix(MirrorFolder(tmp_path, "test"))


def random_vectors(count, seed=0):
    random = np.random.default_rng(seed)
    return to_unit_length(random.normal(size=(count, SIZE)).astype(np.float32))


def entry(number, vector, **changes):
    name = f"EX-{number}.1"
    changes = {"kind": KINDS[number % 3], "channel": CHANNELS[number // 3 % 3], **changes}
    return MatrixEntry(precedent(name, **changes), f"checksum {number}", vector)


def add(matrix, count, seed=0):
    vectors = random_vectors(count, seed)
    entries = [entry(number, vector) for number, vector in enumerate(vectors)]
    matrix.update(entries, (), position=matrix.position + count)
    return vectors


def find(matrix, vector, scope=Scope("", CHANNELS), limit=10):
    return [key for key, _ in matrix.find_nearest(vector, scope, limit)]


def keys(numbers):
    return [hash_key(f"EX-{number}.1") for number in numbers]


def nearest(vectors, query, scope=Scope("", CHANNELS), limit=10):
    numbers = [
        number
        for number in np.argsort(-(vectors @ query))
        if scope.admits(KINDS[number % 3], CHANNELS[number // 3 % 3])
    ]
    return keys(numbers[:limit])


@pytest.mark.parametrize("is_saved", [False, True])
@pytest.mark.parametrize(
    "scope", [Scope("", CHANNELS), Scope("lead_cold", ("C0STOCK", "")), Scope("low_stock", ("",))]
)
def test_it_finds_the_nearest_of_a_scope(matrix, scope, is_saved):
    vectors = add(matrix, 500)
    if is_saved:
        matrix.save()
    query = random_vectors(1, seed=1)[0]
    assert find(matrix, query, scope) == nearest(vectors, query, scope)
    assert find(matrix, query, Scope("nothing", CHANNELS)) == []
    assert find(matrix, query, Scope("", ())) == []


def test_another_process_finds_the_same_in_the_mirror(matrix, tmp_path):
    vectors = add(matrix, 300)
    matrix.save()
    other = PrecedentMatrix(MirrorFolder(tmp_path, "test"))
    assert other.load()
    query = random_vectors(1, seed=2)[0]
    assert find(other, query) == nearest(vectors, query)
    assert (other.position, other.count()) == (300, 300)
    assert sorted(other.list_ids()) == sorted(matrix.list_ids())
    (key,) = keys([7])
    assert other.rows([key]) == matrix.rows([key])
    assert other.rows([key])[key].id == "EX-7.1"
    assert not PrecedentMatrix(MirrorFolder(tmp_path, "another embedder")).load()


def test_what_was_replaced_or_removed_is_not_found(matrix):
    vectors = add(matrix, 100)
    matrix.save()
    query = vectors[3]
    assert find(matrix, query)[0] == hash_key("EX-3.1")
    matrix.update([entry(3, -query)], ["EX-4.1", "EX-none.1"], position=102)
    assert hash_key("EX-3.1") not in find(matrix, query, limit=50)
    assert matrix.rows(keys([3, 4])).keys() == {hash_key("EX-3.1")}
    assert matrix.count() == 99
    assert (matrix.holds("EX-3.1", "checksum 3"), matrix.holds("EX-4.1", "checksum 4")) == (
        True,
        False,
    )
    matrix.save()
    assert matrix.count() == 99
    assert find(matrix, -query)[0] == hash_key("EX-3.1")


def test_what_was_derived_from_rows_is_forgotten_with_them(matrix):
    vectors = add(matrix, 100)
    matrix.save()
    (key,) = keys([3])
    scope = Scope("lead_cold", CHANNELS)
    assert find(matrix, vectors[3], scope)[0] != key
    assert matrix.rows([key])[key].kind == "low_stock"
    matrix.update([entry(3, vectors[3], kind="lead_cold")], (), position=101)
    assert find(matrix, vectors[3], scope)[0] == key
    assert matrix.rows([key])[key].kind == "lead_cold"
    matrix.clear()
    assert (find(matrix, vectors[3], scope), matrix.rows([key])) == ([], {})


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_what_is_kept_is_bounded_and_changes_no_result(matrix, monkeypatch, limit):
    add(matrix, 200)
    matrix.save()

    def find_everything():
        results = []
        for kind in (*KINDS, "") * 2:
            for query in random_vectors(5, seed=4):
                found = matrix.find_nearest(query, Scope(kind, CHANNELS), 10)
                results += [found, matrix.rows([key for key, _ in found])]
        return results

    expected = find_everything()
    monkeypatch.setattr(precedent_matrix, "MAX_CACHED_SCOPES", limit)
    monkeypatch.setattr(precedent_matrix, "MAX_CACHED_ROWS", limit)
    monkeypatch.setattr(mirror_file, "MAX_CACHED_VECTORS", limit)
    matrix.update((), (), position=matrix.position)
    assert find_everything() == expected
    assert len(matrix._selections) <= max(1, limit)
    assert len(matrix._described_rows) <= limit + 10


def test_the_mirror_is_written_when_much_stands_beside_it(matrix, tmp_path):
    add(matrix, 10)
    matrix.save_if_due()
    assert [path.name for path in tmp_path.glob("mirror-*")] == ["mirror-10"]
    matrix.update([entry(11, random_vectors(1)[0])], (), position=11)
    matrix.save_if_due()
    assert [path.name for path in tmp_path.glob("mirror-*")] == ["mirror-10"]
    add(matrix, MIN_ADDED_ROWS + 1, seed=3)
    matrix.save_if_due()
    assert [path.name for path in tmp_path.glob("mirror-*")] == [f"mirror-{12 + MIN_ADDED_ROWS}"]


def test_an_empty_matrix_leaves_no_mirror(matrix, tmp_path):
    add(matrix, 3)
    matrix.save()
    matrix.update((), [f"EX-{number}.1" for number in range(3)], position=6)
    matrix.save()
    assert list(tmp_path.glob("mirror-*")) == []
    assert find(matrix, random_vectors(1)[0]) == []


def test_any_id_and_time_is_kept(matrix, tmp_path):
    vector = random_vectors(1)[0]
    odd = precedent("batch:\ud800 é 7", ended_at=NOW - timedelta(days=40_000))
    matrix.update([MatrixEntry(odd, "x", vector)], (), position=1)
    matrix.save()
    other = PrecedentMatrix(MirrorFolder(tmp_path, "test"))
    other.load()
    assert other.list_ids() == ["batch:\ud800 é 7"]
    (row,) = other.rows([hash_key(odd.id)]).values()
    assert (row.kind, row.channel, row.is_good) == ("low_stock", "C0STOCK", True)
    assert np.array_equal(other.vectors_of(odd.id)[0], vector)


@pytest.mark.parametrize("is_saved", [False, True])
def test_the_best_piece_of_a_long_text_counts_and_leads_to_it_once(matrix, is_saved):
    vectors = random_vectors(40)
    query = random_vectors(1, seed=9)[0]
    entries = [entry(number, vector) for number, vector in enumerate(vectors)]
    entries[7] = entries[7]._replace(piece_vectors=[*random_vectors(2, seed=5), query])
    matrix.update(entries, (), position=40)
    if is_saved:
        matrix.save()
    assert (matrix.count(), matrix.count_rows(), matrix.count_rows_of("EX-7.1")) == (40, 43, 4)
    found = matrix.find_nearest(query, Scope("", CHANNELS), 40)
    assert found[0] == (keys([7])[0], pytest.approx(1.0))
    assert sorted(key for key, _ in found) == sorted(keys(range(40)))
    others = [number for number in np.argsort(-(vectors @ query)) if number != 7]
    assert [key for key, _ in found[1:]] == keys(others)
    assert np.array_equal(matrix.vectors_of("EX-7.1")[3], query)
    assert len(set(matrix.list_vector_ids())) == 43


@pytest.mark.parametrize("is_saved", [False, True])
def test_every_piece_is_removed_and_replaced_with_its_precedent(matrix, is_saved):
    vectors = random_vectors(6)
    long_entry = entry(0, vectors[0])._replace(piece_vectors=list(vectors[1:4]))
    matrix.update([long_entry, entry(1, vectors[4])], (), position=2)
    if is_saved:
        matrix.save()
    assert matrix.holds("EX-0.1", "checksum 0", 4)
    assert not matrix.holds("EX-0.1", "checksum 0", 1)
    matrix.update([entry(0, vectors[5])], (), position=3)
    assert (matrix.count(), matrix.count_rows(), matrix.count_rows_of("EX-0.1")) == (2, 2, 1)
    matrix.update([long_entry], (), position=4)
    matrix.update((), ["EX-0.1"], position=5)
    assert find(matrix, vectors[2]) == keys([1])
    assert matrix.list_vector_ids() == ["EX-1.1"]
