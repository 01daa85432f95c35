"""Every engine gives the same results in the same order, whatever dies on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import chunkwork
from imagehaven.engine import Crashed, Engine, make_engine, run_chunks
from imagehaven.engine.pool import PoolEngine
from imagehaven.errors import Quarantine, UserError


@pytest.fixture(scope="module", params=["inline", "pool", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with make_engine(request.param, 2) as made:
        yield made


@pytest.fixture(scope="module", params=["pool", "ray"])
def parallel_engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with make_engine(request.param, 2) as made:
        yield made


def chunks(size: int = 4, upto: int = 30) -> list[chunkwork.Chunk]:
    return [chunkwork.Chunk(list(range(n, min(n + size, upto)))) for n in range(0, upto, size)]


def test_every_engine_gives_the_same_in_the_same_order(engine: Engine) -> None:
    got = [result for _, results in run_chunks(engine, chunks(), chunkwork.square, 1)
           for result in results]  # fmt: skip
    assert got == [1 + n * n for n in range(30)]


def test_no_chunks_give_no_results(engine: Engine) -> None:
    assert list(run_chunks(engine, [], chunkwork.square, 1)) == []


def test_results_keep_their_order_whatever_finishes_first(engine: Engine) -> None:
    done = [chunk.items[0] for chunk, _ in run_chunks(engine, chunks(), chunkwork.slow_first, None)]
    assert done == sorted(done)


def test_an_error_of_the_function_comes_out_as_itself(engine: Engine) -> None:
    with pytest.raises(UserError, match="item 5 is wrong"):
        list(run_chunks(engine, chunks(), chunkwork.fail_with_user_error, None))


def test_an_outcome_travels_whole_between_processes(engine: Engine) -> None:
    with pytest.raises(Quarantine) as caught:
        list(run_chunks(engine, chunks(upto=2), chunkwork.fail_with_quarantine, None))
    assert (caught.value.reason, caught.value.detail) == ("truncated", "ends in the middle")


def test_chunks_are_taken_only_as_fast_as_they_are_worked(engine: Engine) -> None:
    taken = []

    def endless() -> Iterator[chunkwork.Chunk]:
        for number in range(1000):
            taken.append(number)
            yield chunkwork.Chunk([number])

    for done, _ in enumerate(run_chunks(engine, endless(), chunkwork.square, 0), 1):
        assert len(taken) <= done + 2 * engine.width
        if done == 20:
            break


def test_an_item_that_kills_its_worker_takes_no_other_with_it(parallel_engine: Engine) -> None:
    got = [result for _, results in run_chunks(parallel_engine, chunks(), chunkwork.die_on, 13)
           for result in results]  # fmt: skip
    assert got == [Crashed(n) if n == 13 else n for n in range(30)]


def test_a_worker_killed_from_outside_loses_nothing(
    parallel_engine: Engine, tmp_path: Path
) -> None:
    mark = str(tmp_path / "died")
    got = [result for _, results in run_chunks(parallel_engine, chunks(), chunkwork.die_once, mark)
           for result in results]  # fmt: skip
    assert got == list(range(30))
    assert Path(mark).exists()


def test_a_pool_that_breaks_while_work_is_given_to_it_is_replaced() -> None:
    engine = PoolEngine(2)
    engine.submit(time.sleep, 0.5)
    assert engine._pool is not None
    # What the pool's own thread does when a worker has died, between two of our calls.
    engine._pool._call_queue._reader.close()
    assert engine.result(engine.submit(abs, -3)) == 3
    engine.close()


def test_an_unknown_engine_is_told_with_the_choices() -> None:
    with pytest.raises(UserError, match=r"pool, ray, ray://HOST:10001"), make_engine("spark"):
        pass


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import sys, chunkwork\n"
        "from imagehaven.engine import make_engine, run_chunks\n"
        "if __name__ == '__main__':\n"
        "    with make_engine('pool', 2) as engine:\n"
        "        work = [chunkwork.Chunk([1]), chunkwork.Chunk([2])]\n"
        "        list(run_chunks(engine, work, chunkwork.sleep_and_tell, sys.argv[1]))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
