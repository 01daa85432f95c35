"""Review at the keyboard: one group at a time, one key for each decision."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from imagehaven.cli.review.keyboard import END, Keyboard
from imagehaven.errors import UserError
from imagehaven.haven import Haven
from imagehaven.verify.review import actions
from imagehaven.verify.review.groups import Group
from imagehaven.verify.review.regions import Region
from imagehaven.verify.review.session import Session, waiting

_KEYS: Final = "[i]gnore  [r]edact  [m]ake rule  [u]ndo  [n]ext  [p]revious  [q]uit"
_FORMS: Final = {"w": "whole", "p": "part", "s": "symbols", "x": "regex"}
_SHOWN: Final = 10


def printable(text: str | None) -> str:
    """Text out of a file as a terminal may be given it: control characters could steer it."""
    return "".join(ch if ch.isprintable() else "\N{REPLACEMENT CHARACTER}" for ch in text or "")


def review(haven: Haven, *, by: str, two_person: bool) -> None:
    """Go through the open groups until the reviewer quits."""
    console, session = Console(highlight=False, markup=False), Session(haven, by, two_person)
    session.refresh()
    with Keyboard().open() as keyboard:
        while True:
            _show(console, session)
            key = keyboard.key()
            if key in ("q", END):
                break
            try:
                _act(console, keyboard, session, key)
            except UserError as refused:
                console.print(str(refused))
    console.print(f"{len(session.groups)} groups are open.")


def _act(console: Console, keyboard: Keyboard, session: Session, key: str) -> None:
    moves = {"n": 1, "p": -1}
    if key in moves:
        session.move(moves[key])
    elif key == "u":
        made = session.undo().decision
        console.print(f"Undone: decision {made.about}." if made else "")
    elif key in ("i", "r"):
        value_only = key == "r" and not _blanks(console, keyboard, session)
        decided = session.decide("ignore" if key == "i" else "redact", value_only=value_only)
        if decided and decided.decision:
            word = "Proposed" if session.two_person else "Decided"
            what = f"{decided.decision.act} for {decided.findings} findings"
            console.print(f"{word} ({decided.decision.decision_id}): {what}.")
    elif key == "m" and session.current is not None:
        _make_rule(console, keyboard, session)


def _blanks(console: Console, keyboard: Keyboard, session: Session) -> bool:
    """Show which places redacting would blank, if any, and ask whether it may."""
    regions = session.regions()
    if not regions:
        return True
    console.print("It stands in pixels. Its place can be blanked in every picture that is alike:")
    for region in regions:
        console.print(f"  {printable(region_line(region))}")
    console.print("Blank there? [y]es, any other key: only look for the value")
    return keyboard.key() == "y"


def region_line(region: Region) -> str:
    """What a region is about and what it blanks, in one line."""
    machine, blank = region.machine, ", ".join(f"{w}x{h} at {x},{y}" for x, y, w, h in region.blank)
    device = " ".join(machine[name] for name in ("manufacturer", "model", "software")).strip()
    told = region.summary()
    count = told["pictures_in_catalogue"]
    about = "" if count is None else f"; {count} pictures in the catalogue"
    size = f"{machine['columns']}x{machine['rows']}"
    return f"{device}, {size}: {blank} ({told['share_of_picture']:.1%} of the picture){about}"


def _make_rule(console: Console, keyboard: Keyboard, session: Session) -> None:
    console.print("Harmless: [w]hole value  failing [p]art  [s]ymbols of the part  own rege[x]")
    form = _FORMS.get(keyboard.key())
    if form is None:
        console.print("No rule was made.")
        return
    pattern = keyboard.line("Regular expression: ") if form == "regex" else ""
    name = keyboard.line("Id of the rule: ")
    console.print("At [t]his element only, or [e]verywhere?")
    everywhere = keyboard.key() == "e"

    shown = session.rule(name, form, pattern=pattern, everywhere=everywhere, save=False)
    if shown is None:
        return
    console.print(f"Rule {shown.rule}: {printable(str(shown.row['pattern']))}")
    console.print(f"It would settle {shown.settles} open findings:")
    for row in shown.examples[:_SHOWN]:
        console.print(f"  {printable(row.get('value'))}  in  {printable(row.get('text'))}")
    console.print("Save it? [y]es, any other key: no")
    if keyboard.key() != "y":
        console.print("No rule was made.")
        return
    session.rule(name, form, pattern=pattern, everywhere=everywhere, save=True)
    console.print(f"Saved: {shown.settles} findings are settled.")


def _show(console: Console, session: Session) -> None:
    group = session.current
    if group is None:
        console.print("Nothing is open. [u]ndo  [q]uit")
        return
    console.print(_about(group, f"{session.position + 1} of {len(session.groups)}"))
    console.print(_KEYS)


def _about(group: Group, place: str) -> Table:
    found = group.example.finding
    drawn = Table(title=f"Group {place}: {group.findings} findings", title_justify="left")
    drawn.add_column("what")
    drawn.add_column("value", overflow="fold")
    text = Text(printable(found.text))
    text.stylize("bold reverse", *group.example.local_span)
    rows: dict[str, str | Text] = {
        "class": found.value_class,
        "rule": f"{found.rule} ({found.detector})",
        "value": printable(found.value) or found.shape,
        "stands in": text,
        "element": printable(found.element),
        "device": printable(found.device),
        "first file": printable(found.file),
    }
    for name, value in rows.items():
        drawn.add_row(name, value if isinstance(value, Text) else Text(value))
    return drawn


def second(haven: Haven) -> None:
    """Go through other reviewers' proposals: agree to each, or refuse it."""
    console, position = Console(highlight=False, markup=False), 0
    with Keyboard().open() as keyboard:
        while proposals := waiting(haven):
            position = max(0, min(position, len(proposals) - 1))
            one = proposals[position]
            console.print(
                f"Decision {one.decision_id} by {one.actor}: {one.act} for {one.findings} findings"
                f"{f', rule {one.rule}' if one.rule else ''}"
            )
            for example in actions.findings_of(haven, one.decision_id)[:_SHOWN]:
                console.print(f"  {printable(example.value)}  in  {printable(example.text)}")
            console.print("[y] agree  [x] refuse  [n]ext  [p]revious  [q]uit")
            key = keyboard.key()
            if key in ("q", END):
                return
            if key in ("y", "x"):
                actions.second(haven, one.decision_id, agree=key == "y")
                console.print("Agreed." if key == "y" else "Refused: its findings are open again.")
            position += {"n": 1, "p": -1}.get(key, 0)
    console.print("Nothing waits for a second reviewer.")
