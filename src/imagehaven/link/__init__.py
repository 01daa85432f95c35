"""Linking people to projects and to other data: projects, the vault, opt-outs, linked tables.

Purpose: hold what ties an image to a person and a project. Comes in: health tables in CSV or
Parquet, lists of people who opted out, originals and pseudonyms from a release. Goes out: tables
``linked.<dataset>`` in the lake for cohorts to join, a project's key, and who must be left out.

Guarantees: originals are encrypted in one vault table and are found by keyed hash; an opt-out is
kept as a keyed hash and no call ignores it; an identifier column keeps its text, leading zeros and
all; a table is replaced whole or not at all.
"""

from imagehaven.link.datasets import LoadReport, load
from imagehaven.link.opt_outs import OptOutReport, opt_out, opt_outs, opted_out
from imagehaven.link.projects import Project, create_project, open_project, projects
from imagehaven.link.vault import Vault

__all__ = [
    "LoadReport",
    "OptOutReport",
    "Project",
    "Vault",
    "create_project",
    "load",
    "open_project",
    "opt_out",
    "opt_outs",
    "opted_out",
    "projects",
]
