"""A tick belongs to one process."""

from concurrent.futures import ThreadPoolExecutor


def test_a_tick_belongs_to_one_process(store):
    with ThreadPoolExecutor(8) as many:
        claimed = list(many.map(lambda _: store.ticks.claim_tick("digest", 7), range(24)))
    assert claimed.count(True) == 1
    assert store.ticks.claim_tick("digest", 8)
