"""The compiled core, fuzzed for a while with clang's address and undefined-behaviour sanitizers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from native.build import TARGETS, build

# What was freed is kept back to catch its use; so much of it, and a run fits beside others.
_MEMORY = {"ASAN_OPTIONS": "quarantine_size_mb=32"}


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_that_coverage_leads_to_makes_the_core_misbehave(
    tmp_path: Path, name: str
) -> None:
    target, seeds = build(tmp_path, name)
    run = subprocess.run(
        [target, "-max_total_time=15", "-max_len=20000", "-seed=1", "-rss_limit_mb=2000", seeds],
        cwd=tmp_path,
        env={**os.environ, **_MEMORY},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "Done" in run.stderr
