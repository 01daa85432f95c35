"""A watched prefix of an object store: what is new there is fetched into the haven.

The catalogue points to files, and a release reads them again, so each object is copied, byte by
byte, to ``HAVEN/fetched/BUCKET/KEY.VERSION`` and stays there. ``VERSION`` is a hash of the ETag:
an object that was written again is a second file, and the catalogue says what it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from imagehaven.acquire.watch.names import is_temporary
from imagehaven.acquire.watch.place import Entry, Listing, Unreachable
from imagehaven.errors import UserError
from imagehaven.haven import Haven

#: A longer name than file systems take is cut, and a hash of the whole stands behind it.
_LONGEST: Final = 200
_HASH: Final = 12


class Prefix:
    """Objects under ``s3://BUCKET/PREFIX``, with the haven's settings for S3."""

    #: An object shows only once it was written as a whole.
    whole = True

    def __init__(self, haven: Haven, name: str) -> None:
        self._start = name.removeprefix("s3://").strip("/")
        self.name = name
        self.name_of_memory = f"s3://{self._start}"
        if not self._start:
            raise UserError(f"{name} names no bucket: write s3://BUCKET/PREFIX.")
        self.root = haven.folder / "fetched" / _safe(self._start.split("/", 1)[0])
        self._fetched = haven.folder / "fetched"
        self._drafts = haven.drafts
        self._store = _store(haven)

    def look(self, finished: Container[str] = ()) -> Iterator[Listing]:
        """Every object under the prefix, level by level; raises :class:`Unreachable`."""
        waiting = [self._start]
        while waiting:
            level = waiting.pop()
            with _reaching():
                try:
                    found = self._store.ls(level, detail=True, refresh=True)
                except FileNotFoundError as error:
                    if error.__cause__ is not None:  # the store itself says so, of the bucket
                        raise
                    continue  # no object has this prefix now
            inner, listed = _sorted_out(level, found)
            waiting += reversed(inner)
            yield listed

    def closed(self, folder: str) -> str | None:
        """None: objects may come under any prefix at any time."""
        return None

    def busy(self, entries: Sequence[Entry]) -> set[Entry]:
        """None: nobody can see an object that is still being written."""
        return set()

    def fetch(self, entries: Sequence[Entry]) -> dict[Entry, Path]:
        """Copy what is not here yet, whole or not at all; raises :class:`Unreachable`."""
        found = ((entry, self._fetch(entry)) for entry in entries)
        return {entry: path for entry, path in found if path is not None}

    def _fetch(self, entry: Entry) -> Path | None:
        path = self.place_of(entry)
        if path.exists():
            return path
        key = f"{entry.folder}/{entry.name}"
        # One process watches a place, so what a killed one left behind is written over.
        draft = self._drafts / f"fetching-{_short(self.name_of_memory)}.part"
        try:
            with _reaching():
                try:
                    self._store.get_file(key, str(draft))
                    now = self._store.info(key, refresh=True)
                except (FileNotFoundError, PermissionError):
                    return None  # this one only; the next look tells whether it is still there
            # Written again between listing and copying: the next look meets it as it is then.
            if (draft.stat().st_size, _stamp(now)) != (entry.size, entry.stamp):
                return None
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with draft.open("rb") as written:
                os.fsync(written.fileno())
            draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
        return path

    def place_of(self, entry: Entry) -> Path:
        """Where the copy of an object is; no key leads out of the folder."""
        version = _short(entry.stamp)
        folder = self._fetched.joinpath(*(_safe(part) for part in entry.folder.split("/")))
        return folder / f"{_safe(entry.name)}.{version}"


def _sorted_out(level: str, found: Sequence[dict[str, Any]]) -> tuple[list[str], Listing]:
    inner: list[str] = []
    entries: list[Entry] = []
    left: list[tuple[str, str]] = []
    for item in sorted(found, key=lambda item: str(item["name"])):
        key = str(item["name"])
        folder, _, name = key.rpartition("/")
        if item["type"] == "directory":
            if key != level:
                inner.append(key)
        elif is_temporary(name):
            left.append((name, "temporary name"))
        elif name:
            entries.append(Entry(folder, name, int(item["size"]), _stamp(item)))
    return inner, Listing(level, entries, left)


def _stamp(item: dict[str, Any]) -> str:
    return str(item.get("ETag") or item.get("LastModified"))


def _safe(part: str) -> str:
    """A part of a key as a name: readable, and never ``..``, empty or too long."""
    name = quote(part, safe=" +,=@()", errors="surrogatepass")
    if name.strip(".") == "":
        name = name.replace(".", "%2E") or "%"
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}.{_short(name)}"
    return name


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH]


def _store(haven: Haven) -> Any:
    try:
        from s3fs import S3FileSystem
    except ImportError:
        raise UserError(
            "To watch an object store needs s3fs: `pip install 'imagehaven[s3]'`."
        ) from None
    settings = haven.settings
    client: dict[str, Any] = {"region_name": settings.s3_region}
    if settings.s3_endpoint:
        scheme = "https" if settings.s3_tls else "http"
        client["endpoint_url"] = f"{scheme}://{settings.s3_endpoint}"
    return S3FileSystem(
        key=settings.secret(settings.s3_key_id),
        secret=settings.secret(settings.s3_secret),
        client_kwargs=client,
        config_kwargs={"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 2}},
        use_listings_cache=False,
        skip_instance_cache=True,
    )


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """Turn what the store's client raises into :class:`Unreachable`, without its message."""
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    try:
        yield
    except FileNotFoundError as error:
        raise Unreachable("there is no such bucket") from error
    except PermissionError as error:
        raise Unreachable("the store refuses these keys") from error
    except (OSError, BotoCoreError, ClientError) as error:
        # The client's own message may quote a key of an object.
        raise Unreachable(f"the store did not answer ({type(error).__name__})") from error
