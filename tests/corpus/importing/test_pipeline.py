"""Three threads in a row: order, ends and errors."""

from __future__ import annotations

import threading

import pytest

from unfreeze.corpus.importing.pipeline import run_pipeline


def test_order_and_end() -> None:
    written: list[int] = []
    assert run_pipeline(iter(range(100)), lambda item: item * 2, written.append)
    assert written == [2 * k for k in range(100)]
    assert run_pipeline(iter(()), lambda item: item, written.append)


def test_stopping_writes_what_was_looked_at() -> None:
    written: list[int] = []
    looked: list[int] = []

    def look(item: int) -> int:
        looked.append(item)
        return item

    assert not run_pipeline(iter(range(1000)), look, written.append, lambda: len(looked) >= 5)
    assert written == looked == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("where", ["read", "look", "write"])
def test_errors_end_all_three(where) -> None:
    def blocks():
        for k in range(1000):
            if where == "read" and k == 7:
                raise ValueError(where)
            yield k

    def step(name):
        def run(item: int) -> int:
            if where == name and item == 7:
                raise ValueError(name)
            return item

        return run

    with pytest.raises(ValueError, match=where):
        run_pipeline(blocks(), step("look"), step("write"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("import-")]


def test_an_endless_reader_ends_with_the_writer() -> None:
    def blocks():
        k = 0
        while True:
            yield k
            k += 1

    def write(item: int) -> None:
        if item > 20:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        run_pipeline(blocks(), lambda item: item, write)
