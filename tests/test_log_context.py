import threading

from bot.log_context import current_fields, log_context


def test_an_inner_context_adds_to_the_outer_one_and_ends_with_it():
    with log_context(request="r1"):
        with log_context(case="EX-1", topic=""):
            assert current_fields() == {"request": "r1", "case": "EX-1"}
        assert current_fields() == {"request": "r1"}
    assert current_fields() == {}


def test_threads_do_not_share_a_context():
    seen = []
    with log_context(case="EX-1"):
        other = threading.Thread(target=lambda: seen.append(current_fields()))
        other.start()
        other.join()
    assert seen == [{}]
