"""Planting identifiers into instances: in elements, around the data set and in pixels."""

from imagehaven.synth.planting.burn import burn_in, draw_overlay
from imagehaven.synth.planting.leaks import mark_standard, plant_around, plant_leaks

__all__ = ["burn_in", "draw_overlay", "mark_standard", "plant_around", "plant_leaks"]
