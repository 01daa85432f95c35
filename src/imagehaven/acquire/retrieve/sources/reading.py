"""Reads ``HAVEN/pacs.yaml``; a fault is told with its line and the valid choices."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from imagehaven.acquire.receive import titles
from imagehaven.acquire.receive.options import Secured
from imagehaven.acquire.retrieve.sources.hours import Window, read_window
from imagehaven.acquire.retrieve.sources.source import (
    C_GET,
    C_MOVE,
    PRIORITIES,
    Destination,
    Dicomweb,
    Dimse,
    Encrypted,
    Limits,
    Source,
)
from imagehaven.declarations import compose_yaml
from imagehaven.errors import UserError

FILE: Final = "pacs.yaml"
T = TypeVar("T")

_LIMITS: Final = {
    "hours", "associations", "studies_per_second", "megabytes_per_second", "attempts", "results",
    "timeout", "pause",
}  # fmt: skip
_DIMSE: Final = {
    "kind", "host", "port", "title", "our_title", "retrieve", "destination", "tls", "priority",
    "limits", "secondary", "spool",
}  # fmt: skip
_DICOMWEB: Final = {
    "kind",
    "url",
    "token",
    "user",
    "password",
    "tls",
    "limits",
    "secondary",
    "spool",
}


@dataclass(frozen=True)
class _Value:
    """A value and where it stands."""

    file: Path
    node: yaml.Node
    line: int

    def fault(self, message: str) -> UserError:
        return UserError(f"{self.file}, line {self.line}: {message}.")

    def entries(self, what: str, known: Collection[str] | None = None) -> dict[str, _Value]:
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(f"`name: value` lines go under {what}")
        found: dict[str, _Value] = {}
        for key, value in self.node.value:
            name, entry = str(key.value), _Value(self.file, value, key.start_mark.line + 1)
            if known is not None and name not in known:
                choices = ", ".join(sorted(known))
                raise entry.fault(f"{what} has no {name!r}. Valid choices: {choices}")
            if name in found:
                raise entry.fault(f"{name!r} stands here for the second time")
            found[name] = entry
        return found

    def text(self) -> str:
        if not isinstance(self.node, yaml.ScalarNode) or not str(self.node.value):
            raise self.fault("one value goes here")
        return str(self.node.value)

    def texts(self) -> list[str]:
        if isinstance(self.node, yaml.SequenceNode):
            return [
                _Value(self.file, item, item.start_mark.line + 1).text() for item in self.node.value
            ]
        return [self.text()]

    def number(self, least: float, most: float = 1e9) -> float:
        try:
            value = float(self.text())
        except ValueError:
            raise self.fault("a number goes here") from None
        if not least <= value <= most:
            raise self.fault(f"the number must be from {least:g} to {most:g}")
        return value

    def whole(self, least: int, most: int) -> int:
        value = self.number(least, most)
        if value != int(value):
            raise self.fault("a whole number goes here")
        return int(value)

    def choice(self, valid: Collection[str]) -> str:
        text = self.text()
        if text not in valid:
            raise self.fault(f"{text!r} is none of: {', '.join(valid)}")
        return text

    def made(self, make: Callable[[str], T]) -> T:
        """What ``make`` makes of the text, its refusal told with the line."""
        try:
            return make(self.text())
        except (UserError, ValueError) as error:
            raise self.fault(str(error).rstrip(".")) from None


def read_sources(folder: Path) -> dict[str, Source]:
    """Every source that the haven in ``folder`` declares; raises UserError with the line."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: it declares the PACS that this haven may retrieve from. "
            "The guide `Retrieve from a PACS` shows one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as UTF-8 text: {type(error).__name__}.") from error
    return parse_sources(text, path)


def parse_sources(text: str, path: Path) -> dict[str, Source]:
    """The sources that a declaration holds; raises UserError with file and line."""
    try:
        node = compose_yaml(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise UserError(f"{path}, line {line}: this is not valid YAML.") from None
    if node is None:
        raise UserError(f"{path}, line 1: there is nothing in this file.")
    top = _Value(path, node, 1).entries("pacs.yaml", {"time_zone", "sources"})
    zone = top["time_zone"].made(_zone) if "time_zone" in top else UTC
    if "sources" not in top:
        raise UserError(f"{path}, line 1: it has no `sources:`.")
    found = {
        name: _source(name, value, zone)
        for name, value in top["sources"].entries("sources").items()
    }
    for name, value in top["sources"].entries("sources").items():
        other = found[name].secondary
        if other is not None and (other not in found or other == name):
            raise value.entries("a source")["secondary"].fault(
                f"{other!r} is no other source of this file"
            )
    return found


def _source(name: str, value: _Value, zone: tzinfo) -> Source:
    if not name.replace("-", "").replace("_", "").isalnum() or len(name) > 64:
        raise value.fault("a source's name has letters, digits, - and _, 64 at most")
    entries = value.entries(f"the source {name}")
    kind = _needed(entries, "kind", value).choice(("dimse", "dicomweb"))
    entries = value.entries(f"a {kind} source", _DIMSE if kind == "dimse" else _DICOMWEB)
    peer = _dimse(value, entries) if kind == "dimse" else _dicomweb(value, entries)
    secondary = entries["secondary"].text() if "secondary" in entries else None
    limits = _limits(entries["limits"], zone) if "limits" in entries else Limits(zone=zone)
    spool = value.file.parent / entries["spool"].text() if "spool" in entries else None
    return Source(name, peer, limits, secondary, spool)


def _dimse(value: _Value, entries: dict[str, _Value]) -> Dimse:
    retrieve = entries["retrieve"].choice((C_GET, C_MOVE)) if "retrieve" in entries else C_GET
    if retrieve == C_MOVE and "destination" not in entries:
        raise value.fault("c-move needs a `destination:` with the title and port to send to")
    host = _needed(entries, "host", value).text()
    optional: dict[str, Any] = {}
    if "our_title" in entries:
        optional["our_title"] = entries["our_title"].made(titles.check_title)
    if "priority" in entries:
        optional["priority"] = PRIORITIES[entries["priority"].choice(PRIORITIES)]
    if "destination" in entries:
        optional["destination"] = _destination(entries["destination"], host)
    return Dimse(
        host,
        _needed(entries, "port", value).whole(1, 65535),
        _needed(entries, "title", value).made(titles.check_title),
        retrieve=retrieve,
        tls=_tls(entries["tls"]) if "tls" in entries else None,
        **optional,
    )


def _destination(value: _Value, host: str) -> Destination:
    entries = value.entries("destination", {"title", "port", "host", "senders", "settle", "tls"})
    senders = entries["senders"].texts() if "senders" in entries else [f"*@{host}"]
    try:
        allowed = titles.allowed(senders)
    except UserError as error:
        raise entries.get("senders", value).fault(str(error).rstrip(".")) from None
    optional: dict[str, Any] = {}
    if "host" in entries:
        optional["host"] = entries["host"].text()
    if "tls" in entries:
        optional["tls"] = _secured(entries["tls"])
    if "settle" in entries:
        optional["settle"] = entries["settle"].number(0, 3600)
    return Destination(
        _needed(entries, "title", value).made(titles.check_title),
        _needed(entries, "port", value).whole(1, 65535),
        senders=allowed,
        **optional,
    )


def _dicomweb(value: _Value, entries: dict[str, _Value]) -> Dicomweb:
    url = _needed(entries, "url", value)
    if not url.text().startswith(("http://", "https://", "env:", "file:")):
        raise url.fault("a URL begins with https:// or http://, or is env:NAME or file:PATH")
    if "@" in url.text().partition("://")[2].partition("/")[0]:
        raise url.fault("user and password do not stand in a URL: use `user:` and `password:`")
    secrets: dict[str, str] = {
        name: _reference(entries[name]) for name in ("token", "password") if name in entries
    }
    if "user" in entries:
        secrets["user"] = entries["user"].text()
    if ("user" in entries) != ("password" in entries) or ("user" in entries and "token" in entries):
        raise value.fault("give `user:` and `password:` together, or a `token:`")
    return Dicomweb(url.text(), tls=_tls(entries["tls"]) if "tls" in entries else None, **secrets)


def _reference(value: _Value) -> str:
    if not value.text().startswith(("env:", "file:")):
        raise value.fault("a secret does not stand in this file: write env:NAME or file:PATH")
    return value.text()


def _tls(value: _Value) -> Encrypted:
    entries = value.entries("tls", {"authority", "certificate", "key", "name"})
    if ("certificate" in entries) != ("key" in entries):
        raise value.fault("a certificate and its key go together")
    # A file beside pacs.yaml may be named without its folder.
    paths = {
        name: value.file.parent / entry.text() for name, entry in entries.items() if name != "name"
    }
    return Encrypted(**paths, name=entries["name"].text() if "name" in entries else None)


def _secured(value: _Value) -> Secured:
    files = _tls(value)
    if files.certificate is None or files.key is None:
        raise value.fault("a destination needs a certificate and its key")
    return Secured(files.certificate, files.key, files.authority)


def _limits(value: _Value, zone: tzinfo) -> Limits:
    entries = value.entries("limits", _LIMITS)
    found: dict[str, Any] = {}
    if "hours" in entries:
        found["windows"] = tuple(
            _window(entries["hours"], text) for text in entries["hours"].texts()
        )
    for name, least, most in (("associations", 1, 32), ("attempts", 1, 100), ("results", 1, 10**9)):
        if name in entries:
            found[name] = entries[name].whole(least, most)
    for name in ("studies_per_second", "megabytes_per_second", "timeout"):
        if name in entries:
            found[name] = entries[name].number(0.001)
    if "pause" in entries:
        pause = entries["pause"].entries("pause", {"first", "longest", "patience"})
        for name, field in (("first", "pause_first"), ("longest", "pause_longest")):
            if name in pause:
                found[field] = pause[name].number(0.001, 86400)
        if "patience" in pause:
            found["patience"] = pause["patience"].number(0)
    return Limits(zone=zone, **found)


def _window(value: _Value, text: str) -> Window:
    try:
        return read_window(text)
    except ValueError as error:
        raise value.fault(str(error)) from None


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone that this machine knows (Europe/London is one; they "
            "come with the system's package tzdata)"
        ) from None


def _needed(entries: dict[str, _Value], name: str, value: _Value) -> _Value:
    if name not in entries:
        raise value.fault(f"`{name}:` is missing")
    return entries[name]
