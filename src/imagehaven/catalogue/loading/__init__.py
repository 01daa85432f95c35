"""A load run: planned into chunks, read on an engine, judged, committed in order and proved."""
