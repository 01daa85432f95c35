"""imagehaven: from routine clinical images to a verified, de-identified research release.

Each room of the road is a package of its own; `docs/reference/where-is-it.md` finds any feature.
"""
