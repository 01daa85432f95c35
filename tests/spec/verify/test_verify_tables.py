"""`identifiable` reads the lake and PostgreSQL cell by cell, and tells repeated values once."""

import csv
import datetime

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagehaven import synth
from imagehaven.catalogue import ingest
from imagehaven.errors import TransientError, UserError
from imagehaven.verify import identifiable
from imagehaven.verify.detect.checksums import is_chi
from servers.ports import free_port


def places(found):
    return {(f.location, f.value_class) for f in found}


@pytest.fixture(scope="module", name="hospital")
def _hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "hospital"
    synth.synthesise(folder, patients=3, seed=5)
    return folder


def test_a_value_that_repeats_is_one_finding_with_the_number_of_its_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("note,code\n" + "fine,1\nDD1 9SY,2\n" * 20_000)
    (found,) = identifiable(path)
    assert (found.location, found.value_class) == ("row 2, column note", "postcode")
    assert found.cells == 20_000
    assert found.to_dict()["cells"] == 20_000


def test_rows_longer_than_the_heading_are_read_to_their_end(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2,0101901232\n3\n")
    assert places(identifiable(path)) == {("row 1, column 3", "chi")}


@pytest.mark.parametrize(
    ("values", "value_class"),
    [
        (pa.array([None, 101901232.0, 12.5]), "chi"),
        (pa.array([None, 101901232]), "chi"),
        (pa.array(["", "seen by Dr Abernethy"]).dictionary_encode(), "name"),
        (pa.array([[], ["fine", "EH12 9DN"]]), "postcode"),
        (pa.array([None, {"a": {"note": "0101901232"}}]), "chi"),
        (pa.array([None, b"0101901232"]), "chi"),
        (pa.array([None, datetime.date(1964, 4, 12)]), "date"),
    ],
)
def test_every_type_of_column_is_read(values, value_class, tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": values}), path)
    found = identifiable(path)
    assert {f.value_class for f in found} == {value_class}
    assert all(f.location.startswith("row 2, column n") for f in found)


def test_a_view_of_the_lake_tells_the_identifiers_that_the_catalogue_holds(haven, hospital):
    ingest(haven, [hospital / "dicom"], workers=1)
    by_name = {f.location.partition("column ")[2] for f in identifiable(table="study", haven=haven)}
    assert {"AccessionNumber"} <= by_name
    assert places(identifiable("lake:patient", haven=haven)) >= {
        ("row 1, column PatientName", "name"),
    }
    nested = {f.location for f in identifiable(table="instance", haven=haven)}
    assert any(".00100010.Value[0].Alphabetic" in place for place in nested)


def test_a_table_that_the_lake_does_not_have_is_a_user_error_that_lists_them(haven, hospital):
    ingest(haven, [hospital / "dicom"], workers=1)
    with pytest.raises(UserError, match=r"no table or view 'nothing'.*study"):
        identifiable(table="nothing", haven=haven)
    with pytest.raises(UserError, match="name one with -C"):
        identifiable(table="study")
    with pytest.raises(UserError, match="Name a file"):
        identifiable()


def test_a_table_of_postgresql_is_read_in_batches_through_the_server(postgresql_url):
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE SCHEMA ris")
        connection.execute(
            "CREATE TABLE ris.exam (n bigint, f double precision, d date, j jsonb, b bytea,"
            " note text, amount numeric, a text[])"
        )
        connection.execute(
            "INSERT INTO ris.exam SELECT i, i + 0.5, '-infinity', '{}', '', 'fine', 'NaN', '{}' "
            "FROM generate_series(1, 12000) i"
        )
        rows = [
            (101901232, None, None, None, None, None, None, None),
            (1, 101901232.0, None, None, None, None, None, None),
            (1, None, datetime.date(1964, 4, 12), None, None, None, None, None),
            (1, None, None, '{"patient": {"surname": "Quist"}}', None, None, None, None),
            (1, None, None, None, b"0101901232", None, None, None),
            (1, None, None, None, None, "lives in EH12 9DN", None, None),
            (1, None, None, None, None, None, 101901232, None),
            (1, None, None, None, None, None, None, ["x", "mail a.b@nhs.scot"]),
        ]
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO ris.exam VALUES ({', '.join(['%s'] * 8)})", rows)
    assert places(identifiable(postgresql_url, table="ris.exam")) == {
        ("row 12001, column n", "chi"),
        ("row 12002, column f", "chi"),
        ("row 12003, column d", "date"),
        ("row 12004, column j.patient.surname", "name"),
        ("row 12005, column b", "chi"),
        ("row 12006, column note", "postcode"),
        ("row 12007, column amount", "chi"),
        ("row 12008, column a[1]", "email"),
    }


def test_a_scan_of_postgresql_changes_nothing_and_names_the_tables_it_could_read(postgresql_url):
    with psycopg.connect(postgresql_url) as connection:
        connection.execute('CREATE TABLE "odd name" ("a ""b" text)')
        connection.execute("INSERT INTO \"odd name\" VALUES ('0101901232')")
    assert places(identifiable(postgresql_url, table="public.odd name")) == {
        ('row 1, column a "b', "chi")
    }
    for table in (None, "ris.exam"):
        with pytest.raises(UserError, match=r"public\.odd name"):
            identifiable(postgresql_url, table=table)


def test_a_database_that_is_away_is_told_without_its_password():
    url = f"postgresql://reader:hunter2@127.0.0.1:{free_port()}/ris"
    with pytest.raises(TransientError) as told:
        identifiable(url, table="exam")
    assert "hunter2" not in str(told.value)


def test_every_cell_that_is_a_chi_number_is_counted(hospital, tmp_path):
    expected = counted = 0
    for path in sorted(hospital.rglob("*.csv")):
        with path.open(encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row if is_chi(cell)]
        alone = tmp_path / path.name
        alone.write_text("\n".join(["n", *cells]))
        expected += len(cells)
        counted += sum(f.cells for f in identifiable(alone) if f.rule == "chi-number")
    assert counted == expected > 10
