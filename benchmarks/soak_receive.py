"""Does the receiver leak? Thousands of associations and requests, and what the process holds.

Senders in this process open associations one after the other: most store an object and release,
some break off in the middle of one, some call by a wrong title, some only connect; some post
by STOW-RS, whole or broken off. The receiver is a process of its own. Its resident memory, threads
and file descriptors are read from /proc between two rounds, when no sender is connected; the slope
is that of a least-squares line through the second half of them.

    PYTHONPATH=tests python -m benchmarks.soak_receive [--seconds 120] [--senders 4]
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from pydicom.data import get_testdata_file

from benchmarks.measure import table
from dicom_peer import CT, IMPLICIT, VERIFICATION, Peer, store_request
from servers.ports import free_port
from web_peer import connect, head, multipart, post

BODY = bytes(range(256)) * 100
FILE = Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()
#: Associations and requests between two readings, over all senders.
ROUND = 500


def store(port: int, number: int) -> None:
    with Peer(port) as peer:
        peer.associate((CT, IMPLICIT), (VERIFICATION, IMPLICIT))
        # A hundred objects in all: what is sent again is known already, and the spool stays small.
        assert peer.store(1, CT, f"1.2.{number % 100}", BODY) == 0
        peer.release()


def break_off(port: int, _number: int) -> None:
    with Peer(port) as peer:
        peer.associate((CT, IMPLICIT))
        peer.send(1, store_request(CT, "1.2.3") | {"CommandDataSetType": 1}, None)
        peer.socket.sendall(b"\x04\0\0\0\x10\x06\0\0\x10\x02\x01\0" + bytes(4096))


def wrong_title(port: int, _number: int) -> None:
    with Peer(port) as peer:
        assert peer.associate((CT, IMPLICIT), called="SOMEBODY")[0] == 3


def only_connect(port: int, _number: int) -> None:
    with Peer(port):
        return


def post_whole(port: int, _number: int) -> None:
    assert post(port, multipart(FILE)).status == 200


def post_half(port: int, _number: int) -> None:
    body = multipart(FILE)
    with connect(port) as connection:
        connection.sendall(head(len(body)) + body[: len(body) // 2])


KINDS = (store,) * 6 + (break_off, wrong_title, only_connect, post_whole, post_half)


def one_round(dicom: int, web: int, senders: int, chance: random.Random) -> None:
    """``ROUND`` associations and requests, in an order by chance, from several threads."""
    work = [(chance.choice(KINDS), number) for number in range(ROUND)]
    lock = threading.Lock()
    failed: list[BaseException] = []

    def send() -> None:
        while True:
            with lock:
                if not work:
                    return
                kind, number = work.pop()
            try:
                kind(web if kind in (post_whole, post_half) else dicom, number)
            except Exception as error:  # noqa: BLE001 - told by the main thread
                failed.append(error)
                return

    threads = [threading.Thread(target=send) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"a sender failed: {failed[0]!r}")


def held(process: int) -> tuple[int, int, int]:
    """Resident memory in KiB, threads and file descriptors of a process."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = dict(line.split(":", 1) for line in status.splitlines())
    descriptors = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return int(found["VmRSS"].split()[0]), int(found["Threads"]), descriptors


def slope(points: list[tuple[int, int]]) -> float:
    """KiB for each thousand associations, over the second half of the readings."""
    half = points[len(points) // 2 :]
    if len(half) < 2:
        return 0.0
    line = statistics.linear_regression([x for x, _ in half], [y for _, y in half])
    return line.slope * 1000


def soak(seconds: float, senders: int) -> None:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        haven = Path(temporary, "haven")
        program = [sys.executable, "-m", "imagehaven", "-C", str(haven)]
        subprocess.run([*program[:3], "init", str(haven)], check=True, capture_output=True)
        dicom, web = free_port(), free_port()
        command = [*program, "receive", "--port", str(dicom), "--web-port", str(web)]
        receiver = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            assert receiver.stderr is not None
            receiver.stderr.readline()
            threading.Thread(target=receiver.stderr.read, daemon=True).start()
            readings = measured(receiver.pid, dicom, web, seconds, senders)
        finally:
            receiver.terminate()
            with suppress(subprocess.TimeoutExpired):
                receiver.wait(60)
    shown = readings[:: max(1, len(readings) // 10)]
    print(f"{len(KINDS)} kinds of senders, {senders} at a time\n")
    rows = [[f"{n:,}", f"{s:.0f}", f"{m / 1024:.1f}", str(t), str(d)] for n, s, m, t, d in shown]
    columns = ["associations and requests", "seconds", "memory, MiB", "threads", "descriptors"]
    print(table(columns, rows))
    grown = slope([(n, memory) for n, _, memory, _, _ in readings])
    print(f"\n{readings[-1][0]:,} in all; memory grows by {grown:.1f} KiB per thousand")


def measured(
    process: int, dicom: int, web: int, seconds: float, senders: int
) -> list[tuple[int, float, int, int, int]]:
    begun, chance, count = time.monotonic(), random.Random(1), 0
    readings = []
    while time.monotonic() - begun < seconds or len(readings) < 4:
        one_round(dicom, web, senders, chance)
        count += ROUND
        time.sleep(1.0)  # the last threads end
        readings.append((count, time.monotonic() - begun, *held(process)))
    return readings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--senders", type=int, default=4)
    options = parser.parse_args()
    soak(options.seconds, options.senders)


if __name__ == "__main__":
    main()
