"""Measurements of speed, memory and accuracy, each beside a named peer in one run."""
