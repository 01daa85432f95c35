"""Point lookups: the instances of one UID in milliseconds, however much is catalogued."""

from imagehaven.catalogue.lookup.find import Lookup

__all__ = ["Lookup"]
