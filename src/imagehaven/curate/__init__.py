"""Curate: one view of each modality, with the elements that people ask for as typed columns.

Purpose: standard columns over what scanners wrote. Comes in: the catalogue's instances, and the
views declared in YAML, one line for each column. Goes out: the views ``ct``, ``mr``, ``cr``,
``dx``, ``mg``, ``us``, ``xa``, ``rf``, ``nm``, ``pt``, ``sr``, ``seg``, ``rtstruct`` and ``other``
in the lake, which together show every instance once.

Guarantees: a declaration is checked when it is read; promoting one more element is one line and
needs no reload; a value that is not of its column's type is NULL and stays in the elements.
"""

from imagehaven.curate.actions import CurateReport, curate
from imagehaven.curate.column import ViewColumn, read_column
from imagehaven.curate.refresh import refresh
from imagehaven.curate.views import MODALITIES, declared_views

__all__ = [
    "MODALITIES",
    "CurateReport",
    "ViewColumn",
    "curate",
    "declared_views",
    "read_column",
    "refresh",
]
