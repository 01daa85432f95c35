"""The corpus: made-up people planted into real and synthetic files, and the answer key."""
