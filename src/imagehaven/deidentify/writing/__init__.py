"""How a released file is written: encoded from nothing, pixel bytes spliced in unchanged."""
