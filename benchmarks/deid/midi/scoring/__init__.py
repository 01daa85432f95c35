"""Correct over required actions, identifiers that survived, and the stricter checks."""
