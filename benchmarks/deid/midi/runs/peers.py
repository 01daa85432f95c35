"""Other people's de-identifiers, each in a virtual environment of its own, made on demand."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from benchmarks.deid.midi.corpus.build import Corpus
from benchmarks.deid.midi.scoring.outcome import Run

_PATIENCE = 3600


@dataclass(frozen=True)
class Peer:
    """One entry of scripts.yaml."""

    name: str
    install: list[str]
    settings: str
    script: str
    needs: str = ""


class Unavailable(Exception):
    """A peer that cannot run here, and why."""


@lru_cache(maxsize=1)
def peers() -> tuple[Peer, ...]:
    """All peers that we know how to ask."""
    text = Path(__file__).with_name("scripts.yaml").read_text(encoding="utf-8")
    return tuple(Peer(name, **told) for name, told in yaml.safe_load(text).items())


def run_peers(corpus: Corpus, folder: Path, cache: Path) -> Iterator[Run | str]:
    """Yield the run of each peer, or a line that says why there is none."""
    for peer in peers():
        try:
            yield run_peer(peer, corpus, folder / peer.name, cache)
        except Unavailable as error:
            yield f"{peer.name}: not run, {error}"


def run_peer(peer: Peer, corpus: Corpus, folder: Path, cache: Path) -> Run:
    """Let one peer work on the corpus. Raises :class:`Unavailable`."""
    if peer.needs and shutil.which(peer.needs) is None:
        raise Unavailable(f"it needs {peer.needs}")
    python = home_of(peer, cache)
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            [str(python), "-W", "ignore", "-c", peer.script, str(corpus.folder), str(folder)],
            capture_output=True, text=True, check=False, timeout=_PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unavailable(f"it was not done within {_PATIENCE} s") from None
    seconds = time.perf_counter() - begun
    written = {path.name: path for path in folder.iterdir() if path.stat().st_size}
    if not written:
        raise Unavailable(f"it wrote nothing: {done.stderr.strip()[-200:]}")
    told = (line.partition("\t") for line in done.stdout.splitlines() if "\t" in line)
    errors = {name: error for name, _, error in told}
    released = {
        case.instance: written[case.file]
        for case in corpus.cases
        if case.file in written and case.file not in errors
    }
    refused = {
        case.instance: errors.get(case.file, "no file written")
        for case in corpus.cases
        if case.instance not in released
    }
    return Run(peer.name, released, refused, seconds, peer.settings)


def home_of(peer: Peer, cache: Path) -> Path:
    """The Python of the peer's environment, which is made and filled where it is missing."""
    home = cache / peer.name
    python = home / "bin" / "python"
    stamp = home / "installed"
    if stamp.is_file():
        return python
    shutil.rmtree(home, ignore_errors=True)
    commands = [
        [sys.executable, "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", *peer.install],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"it can't be installed: {done.stderr.strip()[-200:]}")
    stamp.touch()
    return python
