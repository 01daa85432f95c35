"""The detectors: known people, patterns, written dates, vocabulary, and the context of names."""
