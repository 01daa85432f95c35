"""The compiled core, fuzzed for a while with clang's address and undefined-behaviour sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

from native.build import build


def test_no_input_that_coverage_leads_to_makes_the_core_misbehave(tmp_path: Path) -> None:
    target, seeds = build(tmp_path)
    run = subprocess.run(
        [target, "-max_total_time=20", "-max_len=20000", "-seed=1", "-rss_limit_mb=1000", seeds],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "Done" in run.stderr
