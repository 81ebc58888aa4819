"""Problems in data sets are logged, unless the caller collects them; collecting is private to a thread."""

from __future__ import annotations

import threading

from convscope.problems import Problem, collect_problems, listed, warn


def test_a_warning_is_logged_in_one_line(caplog):
    warn("kind", "a\nb", "message")
    assert caplog.messages == ["a\\nb: message"]


def test_collected_problems_are_not_logged(caplog):
    with collect_problems() as problems:
        warn("kind", "a\nb", "message")
    assert problems == [Problem("kind", "warning", "a\\nb", "message")] and caplog.messages == []
    warn("kind", "c", "later")
    assert len(problems) == 1 and caplog.messages == ["c: later"]


def test_an_inner_collection_keeps_its_problems_to_itself(caplog):
    with collect_problems() as outer:
        warn("one", "x", "m")
        with collect_problems() as inner:
            warn("two", "x", "m")
        warn("three", "x", "m")
    assert [p.kind for p in outer] == ["one", "three"] and [p.kind for p in inner] == ["two"] and not caplog.messages


def test_collection_ends_with_an_exception(caplog):
    try:
        with collect_problems():
            raise ValueError
    except ValueError:
        warn("kind", "x", "m")
    assert caplog.messages == ["x: m"]


def test_threads_do_not_collect_from_each_other(caplog):
    both_collect, found = threading.Barrier(2), {}

    def check(name: str) -> None:
        with collect_problems() as problems:
            both_collect.wait()
            warn("kind", name, "m")
            both_collect.wait()
        found[name] = [problem.path for problem in problems]

    threads = [threading.Thread(target=check, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"a": ["a"], "b": ["b"]} and not caplog.messages


def test_a_list_of_names_is_cut_short():
    assert listed(["a", "b"]) == "a, b" and listed(list("abcd\n"), 3) == "a, b, c and 2 more"
