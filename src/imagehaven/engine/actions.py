"""The engine's verb: plan-capacity."""

from __future__ import annotations

from pathlib import Path

from imagehaven.actions import action
from imagehaven.engine.capacity import Plan, figures_of, plan_of
from imagehaven.errors import UserError


@action("plan-capacity", permission="anyone", event=None)
def plan_capacity(file: Path) -> Plan:
    """Say how many nodes an archive needs, for how long, what is the bottleneck, and the cost.

    ``file`` is YAML with a site's figures; rates that it leaves out are those measured in the
    project's benchmarks. Raises UserError naming the line at fault.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read as text. Name a YAML file with figures.") from error
    return plan_of(figures_of(text, str(file)))
