"""The commands through which images come from other systems, one module each."""
