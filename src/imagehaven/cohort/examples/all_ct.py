"""Every CT series in the catalogue."""

from imagehaven.cohort import cohort, series

cohort(series.where(series.Modality == "CT"))
