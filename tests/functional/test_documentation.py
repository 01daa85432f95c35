"""Every command and every Python example of the documentation runs as it stands.

In each page, ``console`` fences run line by line, Python fences with a title are files, other
Python fences run, all in order and in one new folder. A comment ``<!-- given: … -->`` in the page
names what its reader has already.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from servers import objectstore

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if "reference" not in page.parts and re.search(r"```(console|python)", page.read_text())
)
FENCE = re.compile(r"^( *)```([a-z]+)([^\n]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
COHORT = '''"""All CT images of the chest."""
from imagehaven.cohort import cohort, series
cohort(series.where(series.Modality == "CT", series.BodyPartExamined.contains("chest")))
'''


@dataclass(frozen=True)
class Fence:
    language: str
    title: str | None
    text: str


def fences(page: Path) -> Iterator[Fence]:
    for indent, language, rest, text in FENCE.findall(page.read_text(encoding="utf-8")):
        title = re.search(r'title="([^"]+)"', rest)
        flush = "\n".join(line.removeprefix(indent) for line in text.splitlines()) + "\n"
        yield Fence(language, title[1] if title else None, flush)


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("docs") / "hospital"
    shell(["imagehaven synth hospital --patients 6 --seed 1"], place.parent, {})
    return place


@pytest.fixture(scope="session")
def filled_haven(hospital: Path) -> Path:
    """A haven with the hospital in its catalogue, for every page that begins with one."""
    commands = ["imagehaven init my-haven", "imagehaven -C my-haven ingest hospital/dicom"]
    shell(commands, hospital.parent, {})
    return hospital.parent / "my-haven"


def given(page: Path) -> list[str]:
    found = re.search(r"<!-- given: ([a-z0-9 ]+) -->", page.read_text(encoding="utf-8"))
    return found[1].split() if found else []


def shell(commands: list[str], folder: Path, replaced: dict[str, str]) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for written in commands:
        command = written
        for literal, real in replaced.items():
            command = command.replace(literal, real)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_does_what_it_says(
    page: Path, tmp_path: Path, hospital: Path, request: pytest.FixtureRequest
) -> None:
    replaced, wanted = {}, given(page)
    if wanted:
        shutil.copytree(hospital, tmp_path / "hospital")
    if "postgresql" in wanted:
        url = request.getfixturevalue("postgresql_url")
        replaced["postgresql://haven@db.example/haven"] = url
    if "s3" in wanted:
        request.getfixturevalue("s3_settings")
        store: objectstore.ObjectStore = request.getfixturevalue("object_store")
        replaced["my-lake"] = store.bucket()
        replaced["s3.example:9000"] = store.endpoint
    if "haven" in wanted:
        (tmp_path / "my-haven").symlink_to(request.getfixturevalue("filled_haven"))
    if "cohort" in wanted:
        (tmp_path / "chest_ct.py").write_text(COHORT)
        run = "imagehaven -C my-haven cohort run chest_ct.py --project lung"
        shell(["imagehaven -C my-haven project create lung", run], tmp_path, replaced)
    for fence in fences(page):
        work(fence, tmp_path, replaced)


def work(fence: Fence, folder: Path, replaced: dict[str, str]) -> None:
    if fence.title:
        place = folder / fence.title
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(fence.text, encoding="utf-8")
    elif fence.language == "console":
        commands = [line[2:] for line in fence.text.splitlines() if line.startswith("$ ")]
        assert commands, "a console fence without a command"
        shell(commands, folder, replaced)
    elif fence.language == "python":
        (folder / "example.py").write_text(fence.text, encoding="utf-8")
        shell(["python example.py"], folder, replaced)


def test_pages_and_commands_were_found() -> None:
    assert len(PAGES) >= 11
    assert sum(1 for page in PAGES for fence in fences(page) if fence.language == "console") > 20
