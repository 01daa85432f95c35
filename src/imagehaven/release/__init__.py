"""Release: a cohort's images, de-identified and verified, in a folder that a researcher is given.

Purpose: the last station of the road. Comes in: a project, a cohort version, an empty folder. Goes
out: the images by pseudonym, study and series; a manifest with the hash of every file and the terms
it was made on; reports of what was not released and why; metadata, data dictionary and README.

Guarantees: every requested object ends in exactly one named state, proved by anti-join, before
there is a manifest; nothing is released unverified, under dispute, or of a person who opted out,
and no option changes that; a killed release goes on when its command is repeated and ends with the
bytes of an uninterrupted one; the same terms make the same bytes again.
"""

from imagehaven.release.actions import ReleaseReport, RerunReport, release, rerun
from imagehaven.release.compare import Difference
from imagehaven.release.folder.manifest import verify_manifest
from imagehaven.release.states import State

__all__ = [
    "Difference",
    "ReleaseReport",
    "RerunReport",
    "State",
    "release",
    "rerun",
    "verify_manifest",
]
