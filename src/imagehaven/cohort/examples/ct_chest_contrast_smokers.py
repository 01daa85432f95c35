"""All CT chest scans of smokers aged 55 to 65 where a contrast agent was used."""

from imagehaven.cohort import cohort, instances, series, studies, table

# Each variable is a set, and the name of its row in the attrition table.
ct_chest = series.where(series.Modality == "CT", series.BodyPartExamined.contains("chest"))

# Contrast is written in each image: a series counts when at least one of its images says so.
contrast = series.having(instances.where(instances.ContrastBolusAgent.is_not_null()))

# Whole years on the day of the study.
aged_55_to_65 = studies.where(studies.PatientAgeYears.between(55, 65))

# Rows of a linked table stand for the patients who have one.
smoking = table("smoking")
smokers = smoking.where(smoking.status == "current")

cohort(ct_chest & contrast & aged_55_to_65 & smokers)
