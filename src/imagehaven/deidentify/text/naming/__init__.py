"""Names by the words around them: how a text reads, and who or what its words name."""
