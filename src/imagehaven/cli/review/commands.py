"""The commands of review, for scripts; `imagehaven review` alone opens the keyboard's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import AsJson, Call, Check, InHaven, group, verb

if TYPE_CHECKING:
    from imagehaven.verify.review.actions import Decided

By = Annotated[str, typer.Option(help="Group by value, rule, element or device.")]
Reason = Annotated[str, typer.Option(help="Why; do not write identifiers here.")]
TwoPerson = Annotated[
    bool, typer.Option("--two-person", help="Propose only: somebody else has to agree.")
]
_ABOUT = "Decide on kept findings: alone, it opens them one by one at the keyboard."


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    words = group(app, "review", _ABOUT)
    shared = words.registered_callback.callback if words.registered_callback else None

    def options(
        ctx: typer.Context,
        in_haven: InHaven = None,
        as_json: AsJson = False,
        check: Check = False,
        by: By = "value",
        two_person: TwoPerson = False,
        second: Annotated[
            bool, typer.Option("--second", help="Agree to what others proposed, or refuse.")
        ] = False,
    ) -> None:
        assert shared is not None  # group() registers it
        shared(ctx, in_haven, as_json, check)
        if ctx.invoked_subcommand is None:
            _at_the_keyboard(ctx.obj, by, two_person=two_person, second=second)

    words.info.no_args_is_help = False
    words.callback(invoke_without_command=True, help=_ABOUT)(options)
    verb(words, "list", list_)
    verb(words, "decide", decide)
    verb(words, "rule", rule)
    verb(words, "undo", undo)
    verb(words, "second", second_)
    verb(words, "history", history)
    verb(words, "rules", rules)
    verb(words, "sample", sample)
    verb(words, "seen", seen)


def _at_the_keyboard(call: Call, by: str, *, two_person: bool, second: bool) -> None:
    from imagehaven.cli.review import terminal

    if second:
        terminal.second(call.haven())
    else:
        terminal.review(call.haven(), by=by, two_person=two_person)


def list_(
    call: Call,
    by: By = "value",
    limit: Annotated[int, typer.Option(help="The most groups to list.")] = 50,
    state: Annotated[str, typer.Option(help="open, proposed, ignored, redact or ruled.")] = "open",
    values: Annotated[
        bool, typer.Option("--values", help="Show what was found: only on the vault's side.")
    ] = False,
) -> None:
    """List the groups of kept findings, the most frequent first.

    \b
    imagehaven -C my-haven review list --by rule
    """
    from imagehaven import verify
    from imagehaven.cli.review.terminal import printable

    found = verify.findings(call.haven(), by=by, limit=limit, state=state)
    rows = [one.to_dict(values=values) for one in found]

    def show() -> None:
        safe = [{k: printable(v) if isinstance(v, str) else v for k, v in r.items()} for r in rows]
        screen.records(safe, title=f"{state} findings by {by}")

    call.answer(rows, show)


def decide(
    call: Call,
    group: Annotated[str, typer.Argument(help="The group's id, as `review list` shows it.")],
    verdict: Annotated[str, typer.Argument(help="ignore (harmless) or redact (an identifier).")],
    by: By = "value",
    reason: Reason = "",
    two_person: TwoPerson = False,
    value_only: Annotated[
        bool, typer.Option("--value-only", help="Do not blank its place in other pictures.")
    ] = False,
) -> None:
    """Settle every open finding of a group.

    To redact what stands in pixels also blanks its place in every picture of that machine and
    format, in the next release; --check shows where, and how many catalogued pictures are meant.

    \b
    imagehaven -C my-haven review decide 3f9a01c2b4d5 ignore --reason "name of a coil"
    imagehaven -C my-haven review decide 77ab90cd12ef redact --check
    """
    from imagehaven import verify

    made = verify.decide(
        call.haven(),
        group,
        verdict,  # type: ignore[arg-type]
        by=by,
        reason=reason,
        two_person=two_person,
        value_only=value_only,
        check=call.check,
    )
    call.answer(made, lambda: _show_decision(made))


def _show_decision(made: Decided) -> None:
    from imagehaven.cli.review.terminal import printable, region_line

    facts = {name: value for name, value in made.summary().items() if name != "regions"}
    screen.facts(facts, title="Decision")
    for region in made.regions:
        typer.echo(printable(region_line(region)))


def rule(
    call: Call,
    group: Annotated[str, typer.Argument(help="The group's id, as `review list` shows it.")],
    name: Annotated[str, typer.Argument(help="The new rule's id.")],
    form: Annotated[str, typer.Option(help="whole, part, symbols or regex.")] = "part",
    pattern: Annotated[str, typer.Option(help="The regular expression of form regex.")] = "",
    redact: Annotated[
        bool, typer.Option("--redact", help="Such values are identifiers, not harmless.")
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="In every element, not only at the finding's.")
    ] = False,
    by: By = "value",
    reason: Reason = "",
    two_person: TwoPerson = False,
) -> None:
    """Make a rule from a group's first finding; --check shows all that it would settle.

    \b
    imagehaven -C my-haven review rule 3f9a01c2b4d5 coil-names --form symbols --check
    """
    from imagehaven import verify

    made = verify.make_rule(
        call.haven(),
        group,
        name,
        form=form,
        by=by,
        redact=redact,
        pattern=pattern,
        everywhere=everywhere,
        reason=reason,
        two_person=two_person,
        check=call.check,
    )
    call.answer(made, lambda: screen.facts(made.summary(), title="Rule"))


def undo(
    call: Call,
    decision: Annotated[
        int | None, typer.Argument(help="The decision's number; else your last one.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Take a decision back: its findings are open again, its rule is gone.

    \b
    imagehaven -C my-haven review undo 12
    """
    from imagehaven import verify

    if call.foresee("take the decision back"):
        return
    made = verify.undo(call.haven(), decision, reason=reason)
    call.answer(made, lambda: screen.facts(made.summary(), title="Undone"))


def second_(
    call: Call,
    decision: Annotated[int, typer.Argument(help="The decision's number.")],
    verdict: Annotated[str, typer.Argument(help="agree or refuse.")],
    reason: Reason = "",
) -> None:
    """Agree to another reviewer's proposal, or refuse it.

    \b
    imagehaven -C my-haven review second 12 agree
    """
    from imagehaven import verify
    from imagehaven.errors import UserError

    if verdict not in ("agree", "refuse"):
        raise UserError("Say `agree` or `refuse`.")
    if call.foresee(f"{verdict} to decision {decision}"):
        return
    made = verify.second(call.haven(), decision, agree=verdict == "agree", reason=reason)
    call.answer(made, lambda: screen.facts(made.summary(), title="Second reviewer"))


def history(call: Call) -> None:
    """List every decision, who made it and whether it stands today.

    \b
    imagehaven -C my-haven review history
    """
    from imagehaven import verify

    found = [one.summary() for one in verify.history(call.haven())]
    call.answer(found, lambda: screen.records(found, title="Decisions"))


def rules(call: Call) -> None:
    """List every rule in use with its hits in all kept scans.

    \b
    imagehaven -C my-haven review rules
    """
    from imagehaven import verify

    found = verify.rules_in_use(call.haven())
    shown = [{"class": "", "checksum": "", **row} for row in found]
    call.answer(found, lambda: screen.records(shown, title="Rules"))


def sample(
    call: Call,
    release: Annotated[str, typer.Argument(help="The release's name.")],
    bound: Annotated[float, typer.Option(help="The residual rate to be ruled out.")] = 0.001,
    confidence: Annotated[float, typer.Option(help="How sure to be of it.")] = 0.95,
    unit: Annotated[str, typer.Option(help="file, or frame of multi-frame files.")] = "file",
    to: Annotated[
        Path | None, typer.Option(help="Write the files to look at into this CSV.")
    ] = None,
) -> None:
    """Choose the files of a release that people look at, and say what the looking has shown.

    The choice is keyed and always the same, stratified by modality, device and SOP class.

    \b
    imagehaven -C my-haven review sample lung-2026-chest_ct-v1-r1 --to look.csv
    """
    from imagehaven import verify

    plan = verify.sample(
        call.haven(), release, bound=bound, confidence=confidence, unit=unit, to=to,
        check=call.check,
    )  # fmt: skip
    call.answer(plan, lambda: screen.facts(plan.summary(), title="Sample"))


def seen(
    call: Call,
    sample: Annotated[str, typer.Argument(help="The sample's name.")],
    verdicts: Annotated[
        Path, typer.Argument(help="The CSV of `review sample --to`, its column verdict filled.")
    ],
) -> None:
    """Record what people saw (clean or found) in the sample's files, and state the bound.

    \b
    imagehaven -C my-haven review seen lung-2026-chest_ct-v1-r1/file look.csv
    """
    from imagehaven import verify

    plan = verify.seen(call.haven(), sample, verdicts, check=call.check)
    call.answer(plan, lambda: screen.facts(plan.summary(), title="Sample"))
