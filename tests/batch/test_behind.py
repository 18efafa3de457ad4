"""Work that follows a render: in order, and never lost without a word."""

from __future__ import annotations

from functools import partial

import pytest

from hybridmix.batch.behind import Behind


def test_work_is_done_in_order_and_all_of_it() -> None:
    done: list[int] = []
    with Behind() as behind:
        for number in range(200):
            behind.do(partial(done.append, number))
        behind.finish()
    assert done == list(range(200))


@pytest.mark.parametrize("more", [0, 100])
def test_what_work_raises_is_raised_where_the_render_runs(more: int) -> None:
    def full() -> None:
        raise OSError("no space left")

    def go_on() -> None:
        with Behind() as behind:
            for work in [full, *[lambda: None] * more]:
                behind.do(work)
            behind.finish()

    with pytest.raises(OSError, match="no space left"):
        go_on()
