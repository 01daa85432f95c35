"""A small network that reads a whole text: what names somebody, what names a place, what is a term.

It is one vote beside the rules. Trained by `training/text_tagger` on synthetic reports whose names,
places and eponyms were exchanged at random, so that it learns where a name stands, not which names.
"""
