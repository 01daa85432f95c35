"""What `imagehaven doctor` tests, one function for each thing that a haven needs."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec

import duckdb

from imagehaven.dicom.scan import core_works
from imagehaven.errors import ImagehavenError
from imagehaven.haven import lake, settings
from imagehaven.haven.haven import Haven

#: A run needs room for its drafts; with less than this it is likely to end half done.
_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing tested: what it is, whether it works, what was seen, and how to mend it."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = True


def examine(haven: Haven) -> Iterator[Finding]:
    """Test everything, one finding each, and go on after what fails."""
    for name, test in _TESTS.items():
        try:
            yield test(name, haven)
        except (ImagehavenError, OSError, duckdb.Error) as error:
            yield Finding(name, False, type(error).__name__, _first_line(error))


def _folder(name: str, haven: Haven) -> Finding:
    for place in (haven.folder, haven.folder / "temporary"):
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            return Finding(name, False, f"{place} cannot be written", f"chmod u+rwx {place}")
    mode = stat.S_IMODE(haven.folder.stat().st_mode)
    if mode & 0o007:
        return Finding(
            name,
            False,
            f"everyone on this machine may look in (mode {mode:04o})",
            f"chmod o-rwx {haven.folder}",
        )
    return Finding(name, True, str(haven.folder))


def _settings(name: str, haven: Haven) -> Finding:
    path = haven.folder / settings.FILE
    settings.read(haven.folder)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(name, False, f"mode {mode:04o}: may show a password", f"chmod 600 {path}")
    return Finding(name, True, str(path))


def _master_key(name: str, haven: Haven) -> Finding:
    path = haven.folder / "keys" / "master.key"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(name, False, f"mode {mode:04o}: others may read it", f"chmod 600 {path}")
    return Finding(name, True, f"fingerprint {haven.keyring.fingerprint}")


def _ledger(name: str, haven: Haven) -> Finding:
    problem = haven.ledger.schema_problem()
    if problem:
        return Finding(name, False, problem, f"imagehaven init {haven.folder}")
    return Finding(name, True, haven.ledger.place)


def _audit(name: str, haven: Haven) -> Finding:
    verdict = haven.ledger.audit.verify()
    if verdict.intact:
        return Finding(name, True, f"{verdict.rows} rows, unbroken")
    return Finding(
        name,
        False,
        str(verdict.problem),
        "Somebody changed the ledger: compare it with a backup before anything else is released.",
    )


def _extensions(name: str, haven: Haven) -> Finding:
    wanted = ["ducklake"]
    wanted += ["postgres_scanner"] if haven.settings.database else []
    wanted += ["httpfs"] if haven.settings.objects.startswith("s3://") else []
    for one in wanted:
        lake.extension(one)
    return Finding(name, True, f"DuckDB {duckdb.__version__}: {', '.join(wanted)}")


def _lake(name: str, haven: Haven) -> Finding:
    """Write, read and drop one table: this proves the catalog and the object store alike."""
    probe = f"doctor_{secrets.token_hex(4)}"
    haven.lake.close()
    with haven.lake.connect() as connection:
        connection.execute("BEGIN")
        try:
            # Enough rows that the lake writes a Parquet file instead of keeping them inline.
            connection.execute(f"CREATE TABLE {probe} AS FROM range(5000)")
            row = connection.execute(f"SELECT count(*) FROM {probe}").fetchone()  # noqa: S608
        finally:
            connection.execute("ROLLBACK")
    if row != (5000,):
        return Finding(name, False, "a table read back otherwise than written", "see the disk")
    return Finding(name, True, f"written and read back in {haven.lake.data}")


def _disk(name: str, haven: Haven) -> Finding:
    free = shutil.disk_usage(haven.folder).free
    detail = f"{free / 1024**3:.1f} GiB free"
    return Finding(name, free >= _FREE_BYTES, detail, "" if free >= _FREE_BYTES else "make room")


def _decoders(name: str, _haven: Haven) -> Finding:
    missing = [package for package in ("pydicom", "imagecodecs", "numpy") if not find_spec(package)]
    if missing:
        return Finding(name, False, f"missing: {', '.join(missing)}", "pip install imagehaven")
    return Finding(name, True, "pydicom, imagecodecs, numpy")


def _core(name: str, haven: Haven) -> Finding:
    if not haven.settings.compiled:
        return Finding(name, True, f"switched off in {settings.FILE}", needed=False)
    if not core_works():
        return Finding(
            name,
            False,
            "not built: pydicom reads every header, with the same result, more slowly",
            "apt install gcc python3-dev, then pip install --force-reinstall imagehaven",
            needed=False,
        )
    return Finding(name, True, "built: headers are scanned in C", needed=False)


def _font(name: str, _haven: Haven) -> Finding:
    from PIL import ImageFont, features

    if not features.check("freetype2"):
        return Finding(
            name,
            False,
            "Pillow was built without FreeType",
            "pip install --force-reinstall pillow",
            needed=False,
        )
    ImageFont.load_default(12)
    return Finding(name, True, "Pillow's own font draws", needed=False)


def _ray(name: str, _haven: Haven) -> Finding:
    if find_spec("ray") is None:
        return Finding(
            name,
            False,
            "not installed",
            "pip install 'imagehaven[ray]' for --engine ray",
            needed=False,
        )
    return Finding(name, True, "installed", needed=False)


def _clock(name: str, haven: Haven) -> Finding:
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    newest = max((row.at for row in haven.ledger.audit.rows()), default="")
    if newest > now:
        return Finding(
            name,
            False,
            "the newest audit row lies in the future",
            "Set this machine's clock; a time server (NTP) keeps it right.",
        )
    return Finding(name, True, f"{now[:19]}Z")


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else "see `imagehaven --help`"


_TESTS: dict[str, Callable[[str, Haven], Finding]] = {
    "folder": _folder,
    "settings": _settings,
    "master key": _master_key,
    "ledger": _ledger,
    "audit chain": _audit,
    "DuckDB extensions": _extensions,
    "lake": _lake,
    "disk": _disk,
    "decoders": _decoders,
    "compiled core": _core,
    "font": _font,
    "Ray": _ray,
    "clock": _clock,
}
