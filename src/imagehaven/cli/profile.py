"""Commands for profiles: what they do to an element and why, how they differ, whether they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from imagehaven.cli import screen
from imagehaven.cli.call import Call, group, verb

if TYPE_CHECKING:
    from imagehaven.deidentify import Explanation, Trial

Profile = Annotated[str, typer.Option(help="A profile's name, or its YAML file.")]
Modality = Annotated[str, typer.Option(help="In images of this modality, such as CT.")]
Manufacturer = Annotated[str, typer.Option(help="In images of this manufacturer.")]
SopClass = Annotated[str, typer.Option(metavar="UID", help="In images of this SOP class.")]


def add_to(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    words = group(app, "profile", "De-identification profiles.")
    verb(words, "explain", profile_explain, reads="explain what the profile does to the element")
    verb(words, "diff", profile_diff, reads="compare the two profiles")
    verb(words, "test", profile_test, reads="try the profile's examples")
    verb(words, "list", profile_list, reads="list the profiles")


def profile_explain(
    call: Call,
    element: Annotated[
        str, typer.Argument(help='A keyword, a tag, or "(gggg,xxee):CREATOR" if it is private.')
    ],
    profile: Profile = "research",
    modality: Modality = "",
    manufacturer: Manufacturer = "",
    sop_class: SopClass = "",
    sequence: Annotated[str, typer.Option(help="In the items of this sequence (keyword).")] = "",
) -> None:
    """Say what will happen to an element, and why: table, options, Type, overrides by line.

    \b
    imagehaven profile explain StationName --sop-class 1.2.840.10008.5.1.4.1.1.2
    imagehaven profile explain "(0019,xx0C):SIEMENS MR HEADER"
    imagehaven profile explain ContainerIdentifier --profile own.yaml --modality SM
    """
    from imagehaven import deidentify

    told = deidentify.explain_profile(
        element,
        profile=profile,
        modality=modality,
        manufacturer=manufacturer,
        sop_class=sop_class,
        sequence=sequence,
    )
    call.answer(told, lambda: _show_explanation(told))


def profile_diff(
    call: Call,
    one: Annotated[str, typer.Argument(help="A profile's name, or its YAML file.")],
    other: Annotated[str, typer.Argument(help="The profile to compare it with.")],
    modality: Modality = "",
    manufacturer: Manufacturer = "",
    sop_class: SopClass = "",
) -> None:
    """List the options and elements on which two profiles differ.

    \b
    imagehaven profile diff basic research
    imagehaven profile diff research own.yaml --modality MR --json
    """
    from imagehaven import deidentify

    found = deidentify.diff_profiles(
        one, other, modality=modality, manufacturer=manufacturer, sop_class=sop_class
    )
    call.answer(found, lambda: screen.facts(found, title="Differences"))


def profile_test(
    call: Call,
    profile: Annotated[
        str, typer.Argument(help="A profile's name, or its YAML file.")
    ] = "research",
) -> None:
    """Try a profile's inline examples on the pass that would run.

    Ends with exit code 1 when one does not come out as the profile says.

    \b
    imagehaven profile test
    imagehaven profile test own.yaml
    """
    from imagehaven import deidentify

    trial = deidentify.try_profile(profile)
    call.answer(trial, lambda: _show_trial(trial))
    if trial.failed:
        raise typer.Exit(1)


def profile_list(call: Call) -> None:
    """List the profiles that come with imagehaven.

    \b
    imagehaven profile list
    """
    from imagehaven import deidentify

    found = deidentify.list_profiles()
    rows = [[one["profile"], one["about"], ", ".join(one["options"])] for one in found]
    call.answer(found, lambda: screen.table(("profile", "about", "options"), rows))


def _show_explanation(told: Explanation) -> None:
    name = f"{told.element} {told.keyword} {told.vr}".strip()
    screen.say(f"{name}: {told.action}, {told.does} (profile {told.profile})")
    rows = [[step["step"], step["says"], step["where"]] for step in told.steps]
    screen.table(("step", "says", "where"), rows)
    if told.fallback:
        screen.say(f"A value that cannot be cleaned: {told.fallback}.")


def _show_trial(trial: Trial) -> None:
    rows = [
        ["ok" if one.passed else "FAILED", one.element, one.expected, one.found, one.where]
        for one in trial.tried
    ]
    screen.table(("result", "element", "expected", "found", "where"), rows)
    screen.say(f"{len(trial.tried)} tried, {trial.failed} failed (profile {trial.profile})")
