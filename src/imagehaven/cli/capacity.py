"""The command that plans how many machines an archive needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, verb
from imagehaven.errors import UserError


def add_to(app: typer.Typer) -> None:
    """Add this module's command to the application."""
    verb(app, "plan-capacity", plan_capacity, reads="work the plan out, which changes nothing")


def plan_capacity(
    call: Call,
    file: Annotated[Path | None, typer.Argument(help="YAML with your figures.")] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="List every figure, its unit and its default.")
    ] = False,
) -> None:
    """Say how many nodes an archive needs, for how long, what is the bottleneck, and the cost.

    Rates that the file leaves out are those of our own benchmarks; measure yours and give them.

    \b
    imagehaven plan-capacity our-archive.yaml
    imagehaven plan-capacity --figures
    """
    from imagehaven import engine
    from imagehaven.engine import capacity

    if figures:
        known = list(capacity.known_figures().values())
        rows = [(one.name, _default(one.default), one.unit, one.about) for one in known]
        call.answer(known, lambda: screen.table(("figure", "default", "unit", "what"), rows))
        return
    if file is None:
        raise UserError("Name a YAML file with your figures, or give --figures to list them.")
    plan = engine.plan_capacity(file)
    call.answer(plan, lambda: screen.facts(plan.summary(), title="Capacity"))


def _default(value: float | None) -> str:
    return "give it" if value is None else f"{value:g}"
