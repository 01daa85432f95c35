"""T1-weighted MR series of the head, without localisers."""

from imagehaven.cohort import cohort, series

mr_head = series.where(
    series.Modality == "MR",
    series.BodyPartExamined.is_in(["HEAD", "BRAIN"]) | series.SeriesDescription.contains("brain"),
)

# Sites name their T1 sequences in many ways; these cover the common ones.
t1_weighted = series.where(
    series.SeriesDescription.contains("t1")
    | series.SeriesDescription.contains("mprage")
    | series.SeriesDescription.contains("spgr")
)

# A missing description is not a localiser, so those series stay.
localisers = series.where(
    series.SeriesDescription.contains("loc") | series.SeriesDescription.contains("scout")
)

cohort((mr_head & t1_weighted) - localisers)
