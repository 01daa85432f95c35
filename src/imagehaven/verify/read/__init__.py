"""What a file holds: every value of every element, and every byte that is no pixel."""
