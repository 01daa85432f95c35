"""Sampling: which files or frames people look at, and what their looking proves."""
