"""Images: one builder for each kind of object, with true geometry and plain phantoms for pixels."""

from imagehaven.synth.images.instance import Instance, Shoot
from imagehaven.synth.images.kinds import build

__all__ = ["Instance", "Shoot", "build"]
