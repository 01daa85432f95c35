"""Health tables, reports and genotypes belong to the patients of the images."""

from datetime import date

from imagehaven.synth import is_chi
from imagehaven.synth.plan import plan_patient
from imagehaven.synth.records.genotypes import calls, panel
from imagehaven.synth.records.health import COLUMNS, IDENTIFYING


def test_every_row_belongs_to_a_patient_and_has_a_valid_number(hospital):
    patients = {row["chi"] for row in hospital.table("patients")}
    assert len(patients) == 30
    assert all(is_chi(chi) for chi in patients)
    for name in COLUMNS:
        rows = hospital.table(name)
        assert rows, name
        assert {row["chi"] for row in rows} <= patients


def test_nothing_happens_after_death(hospital):
    died = {row["chi"]: row["death_date"] for row in hospital.table("deaths")}
    assert died
    days = {
        "admissions": "discharge_date",
        "prescriptions": "prescribed_date",
        "labs": "sample_date",
    }
    for name, column in days.items():
        for row in hospital.table(name):
            assert row[column] <= died.get(row["chi"], "2024-06-30")
            assert date.fromisoformat(row[column])


def test_smoking_is_told_by_one_of_three_words(hospital):
    rows = hospital.table("smoking")
    assert {row["status"] for row in rows} == {"current", "former", "never"}
    assert all(float(row["pack_years"]) > 0 for row in rows if row["status"] == "current")


def test_every_report_names_its_patient_and_stands_in_the_key(hospital):
    marks = {}
    for row in hospital.key("identifiers.csv"):
        if row["location"].startswith("line"):
            marks.setdefault(row["file"], []).append(row)
    texts = {
        str(path.relative_to(hospital.root)): path.read_text(encoding="utf-8").splitlines()
        for path in (hospital.root / "reports").rglob("*.txt")
    }
    assert set(marks) == set(texts)
    for file, rows in marks.items():
        assert {"name", "chi", "staff-name", "date"} <= {row["kind"] for row in rows}
        for row in rows:
            line = int(row["location"].removeprefix("line "))
            assert row["value"] in texts[file][line - 1]


def test_a_sample_has_its_vcf_and_its_line_in_the_panel(hospital):
    rows = hospital.table("genotypes")
    ped = (hospital.root / "genomes/panel.ped").read_text().splitlines()
    assert {row["sample_id"] for row in rows} == {line.split()[0] for line in ped}
    for row in rows:
        lines = (hospital.root / row["file"]).read_text().splitlines()
        head = next(line for line in lines if line.startswith("#CHROM"))
        assert head.split("\t")[-1] == row["sample_id"]
        variants = [line.split("\t")[2] for line in lines if not line.startswith("#")]
        assert {"rs429358", "rs7412"} <= set(variants)
    assert {len(line.split()) for line in ped} == {6 + 2 * len(panel())}


def test_epsilon_four_is_commoner_in_dementia():
    place = [snp["rsid"] for snp in panel()].index("rs429358")

    def share(pathway):
        found = [sum(calls(plan_patient(1, n))[place]) for n in range(pathway, 1000, 10)]
        return sum(found) / len(found)

    assert share(1) > 1.5 * share(3)


def test_identifying_columns_are_named_as_the_tables_have_them():
    assert all(column in COLUMNS[table] for table, column, _ in IDENTIFYING)
