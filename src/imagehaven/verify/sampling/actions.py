"""The verbs of sampling: choose what people look at, and record what they saw."""

from __future__ import annotations

from pathlib import Path

from imagehaven.actions import action
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.verify.sampling import plan
from imagehaven.verify.sampling.plan import Sample


@action("review sample", permission="data-manager", event="review-sample")
def sample(
    haven: Haven,
    release: str,
    *,
    bound: float = 0.001,
    confidence: float = 0.95,
    unit: str = "file",
    to: Path | None = None,
    check: bool = False,
) -> Sample:
    """Choose the files (or frames) of a release that people look at, and say what they proved.

    The choice is keyed and the same every time; a stricter bound adds to it.

    Args:
        haven: where the release was made.
        release: its name.
        bound: the residual rate that finding nothing is to rule out.
        confidence: how sure to be of it.
        unit: ``file``, or ``frame``: every frame of a multi-frame file counts by itself.
        to: write the list of what to look at there, as CSV.
        check: only say how many that would be.

    Raises:
        UserError: the release has no files, or an argument is out of range.
    """
    if unit not in plan.UNITS:
        raise UserError(f"The unit must be {' or '.join(plan.UNITS)}.")
    if not (0 < bound < 1 and 0 < confidence < 1):
        raise UserError("The bound and the confidence must lie between 0 and 1.")
    name = f"{release}/{unit}"
    chosen = plan.planned(haven, release, unit, bound, confidence)
    if check:
        return Sample(
            name, release, unit, bound, confidence, 0, len(chosen), 0, 0, None, (), checked=True
        )
    terms = {"unit": unit, "bound": bound, "confidence": confidence}
    plan.keep(haven, name, release, chosen, terms)
    if to is not None:
        plan.write_list(haven, name, to)
    return plan.read(haven, name)


@action("review seen", permission="data-manager", event="review-seen")
def seen(haven: Haven, sample: str, verdicts: Path, *, check: bool = False) -> Sample:
    """Record what people saw in a sample (``clean`` or ``found`` in each line's verdict).

    Returns the sample with the bound that is proved now. Raises UserError where the list is wrong.
    """
    found = plan.read_verdicts(verdicts)
    before = plan.read(haven, sample)
    if check:
        return before
    plan.set_verdicts(haven, sample, found)
    return plan.read(haven, sample)
