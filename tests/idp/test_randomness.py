"""Random bytes out of a pool: of the length asked, never twice, not shared with anybody."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from idp import randomness
from idp.randomness import POOL_BYTES, random_bytes


@pytest.mark.parametrize(
    "length", [0, 1, 12, POOL_BYTES - 1, POOL_BYTES, POOL_BYTES + 1, 5 * POOL_BYTES]
)
def test_gives_what_was_asked(length: int) -> None:
    for _ in range(3):
        assert len(random_bytes(length)) == length


def test_gives_nothing_twice() -> None:
    def draw(_: int) -> list[bytes]:
        return [random_bytes(8) for _ in range(2000)]

    with ThreadPoolExecutor(8) as pool:
        given = [value for values in pool.map(draw, range(16)) for value in values]
    assert len(set(given)) == len(given)


def test_pieces_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    def generate(length: int) -> bytes:
        made.append(os.urandom(length))
        return made[-1]

    monkeypatch.setattr(randomness, "RAND_bytes", generate)
    randomness._forget()
    pieces = [random_bytes(100) for _ in range(11)]
    assert b"".join(pieces[:10]) == made[0][:1000]
    assert pieces[10] == made[1][:100], "what is too short at the end is not given"


def test_a_forked_process_gives_other_bytes() -> None:
    random_bytes(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random_bytes(32))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 32) != random_bytes(32)
    os.close(reading)
    os.close(writing)
