"""A watched prefix of an object store: objects are fetched bit by bit, once, under safe names."""

from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from catalogue_files import write_instance
from imagehaven.acquire.watch import Unreachable
from imagehaven.acquire.watch.place import Entry
from imagehaven.acquire.watch.prefix import Prefix
from imagehaven.haven import Haven, Settings
from servers import objectstore
from watching import once

Put = Callable[[str, bytes], None]


@pytest.fixture
def bucket(object_store: objectstore.ObjectStore, s3_settings: dict[str, object]) -> str:
    return object_store.bucket()


@pytest.fixture
def put(object_store: objectstore.ObjectStore, bucket: str) -> Put:
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{object_store.endpoint}",
        aws_access_key_id=objectstore.KEY_ID,
        aws_secret_access_key=objectstore.SECRET,
        region_name="us-east-1",
    )
    return lambda key, content: client.put_object(Bucket=bucket, Key=key, Body=content) and None


@pytest.fixture
def haven(tmp_path: Path, object_store: objectstore.ObjectStore) -> Iterator[Haven]:
    """A haven whose lake is in files, and that knows the object store."""
    options = Settings(name="test", s3_endpoint=object_store.endpoint, s3_tls=False)
    made = Haven.create(tmp_path / "haven", options)
    yield made
    made.ledger.close()


def instance(folder: Path, uid: str = "1.2.3.1", **values: object) -> bytes:
    return write_instance(folder / "made.dcm", uid, **values).read_bytes()


def test_objects_are_fetched_as_they_are_and_taken_once(
    haven: Haven, put: Put, bucket: str, tmp_path: Path
) -> None:
    contents = {
        f"in/{name}": instance(tmp_path, f"1.2.3.{number}")
        for number, name in enumerate(("a.dcm", "deep/er/b.dcm", "c.dcm.part"))
    }
    for key, content in contents.items():
        put(key, content)
    put("elsewhere/d.dcm", b"not asked for")
    place = f"s3://{bucket}/in"
    first = once(haven, place)
    assert (first.found, first.catalogued) == (2, 2)
    assert first.left == {place: {"temporary name": 1}}
    kept = {path.name.split(".dcm")[0]: path.read_bytes() for path in fetched(haven)}
    assert kept == {"a": contents["in/a.dcm"], "b": contents["in/deep/er/b.dcm"]}
    assert once(haven, place).found == 0
    assert not list(haven.drafts.glob("*.part"))


def fetched(haven: Haven) -> list[Path]:
    return sorted(path for path in (haven.folder / "fetched").rglob("*") if path.is_file())


def test_an_object_that_was_written_again_is_a_second_file(
    haven: Haven, put: Put, bucket: str, tmp_path: Path
) -> None:
    put("in/a.dcm", instance(tmp_path, PatientName="A"))
    assert once(haven, f"s3://{bucket}/in").catalogued == 1
    put("in/a.dcm", instance(tmp_path, PatientName="Another"))
    assert once(haven, f"s3://{bucket}/in/").conflicting == 1
    assert len(fetched(haven)) == 2


@pytest.mark.parametrize(
    "key",
    ["../../outside.dcm", "a//b.dcm", "./x.dcm", "caf\u00e9 %2F.dcm", "n\u0001.dcm", "k" * 900],
)
def test_no_key_leads_out_of_the_folder(key: str, haven: Haven, bucket: str) -> None:
    place = Prefix(haven, f"s3://{bucket}")
    folder, _, name = f"{bucket}/{key}".rpartition("/")
    path = place.place_of(Entry(folder, name, 1, "etag"))
    assert path.resolve().is_relative_to(haven.folder / "fetched" / bucket)
    assert path == path.resolve()
    assert all(len(part) < 255 for part in path.parts)
    other = place.place_of(Entry(folder, name + "x", 1, "etag"))
    assert path != other != place.place_of(Entry(folder, name, 1, "other"))


def test_keys_that_are_no_file_names_are_fetched(
    haven: Haven, put: Put, bucket: str, tmp_path: Path
) -> None:
    keys = ["in/caf\u00e9 %2F.dcm", "in/a..b/c.dcm", "in/" + "k" * 300]
    for number, key in enumerate(keys):
        put(key, instance(tmp_path, f"1.2.3.{number}"))
    assert once(haven, f"s3://{bucket}/in").catalogued == 3


def test_an_object_replaced_while_it_is_fetched_is_left_for_the_next_look(
    haven: Haven, put: Put, bucket: str, tmp_path: Path
) -> None:
    put("in/a.dcm", instance(tmp_path, PatientName="A"))
    place = Prefix(haven, f"s3://{bucket}/in")
    (listing,) = place.look()
    put("in/a.dcm", instance(tmp_path, PatientName="Another"))
    assert place.fetch(listing.entries) == {}
    assert fetched(haven) == []
    assert once(haven, f"s3://{bucket}/in").catalogued == 1


def test_a_bucket_that_is_not_there_is_told(haven: Haven, s3_settings: object) -> None:
    report = once(haven, "s3://nobody-made-this/in")
    assert report.unreachable == {"s3://nobody-made-this/in": "there is no such bucket"}


def test_a_store_that_does_not_answer_is_told(
    haven: Haven, bucket: str, object_store: objectstore.ObjectStore, tmp_path: Path
) -> None:
    from servers.ports import free_port

    away = Settings(name="away", s3_endpoint=f"127.0.0.1:{free_port()}", s3_tls=False)
    other = Haven.create(tmp_path / "other", away)
    with pytest.raises(Unreachable, match="the store did not answer"):
        list(Prefix(other, f"s3://{bucket}/in").look())
    other.ledger.close()


def test_an_empty_prefix_is_no_news(haven: Haven, bucket: str) -> None:
    report = once(haven, f"s3://{bucket}/nothing-yet")
    assert (report.found, report.unreachable) == (0, {})
