"""The engine: apply a function to chunks of items, on this machine's processors or on Ray.

Purpose: the one seam between what is done and where. Comes in: chunks (an ordered list of small
items each) and a top-level function ``fn(context, items)`` that returns one result for each item.
Goes out: each chunk with its results, in the order of the chunks, whatever finished first. And a
plan of how many machines an archive needs, from measured rates and a site's own figures.

Guarantees: a bounded number of chunks is in flight, so memory stays flat; an item that kills its
worker process comes back as :class:`Crashed` and takes no other item with it; an error that the
function raises ends the iteration, and the ledger knows which chunks are done. The engine knows no
station and keeps no state of its own.
"""

from imagehaven.engine.actions import plan_capacity
from imagehaven.engine.choose import make_engine
from imagehaven.engine.chunks import Crashed, Engine, Progress, quiet, run_chunks

__all__ = ["Crashed", "Engine", "Progress", "make_engine", "plan_capacity", "quiet", "run_chunks"]
