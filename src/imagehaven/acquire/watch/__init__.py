"""Watched places: what lies in a drop folder or under an object-store prefix, and is complete.

Purpose: say, again and again, which files have come since the last look and have stopped growing.
Comes in: folders, receivers' spools, ``s3://BUCKET/PREFIX``. Goes out: batches of local files for
the catalogue, and for every other file the reason why it is left for now.

Guarantees: a file is taken when its size and its time stood still for the settle time, its name is
no temporary one and nobody is seen to have it open for writing; what was taken is remembered, so
that it is taken once; a batch that was interrupted is given out again as it was; nothing in a
watched place is changed.
"""

from imagehaven.acquire.watch.feed import Feed, Look, foresee
from imagehaven.acquire.watch.options import WatchOptions
from imagehaven.acquire.watch.place import Entry, Place, Unreachable, place_of

__all__ = ["Entry", "Feed", "Look", "Place", "Unreachable", "WatchOptions", "foresee", "place_of"]
