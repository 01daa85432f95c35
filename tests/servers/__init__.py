"""Real servers that tests start and stop on free loopback ports."""
