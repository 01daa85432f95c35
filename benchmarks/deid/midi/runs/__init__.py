"""Whoever de-identifies the corpus: imagehaven, two controls, and peers in their own homes."""
