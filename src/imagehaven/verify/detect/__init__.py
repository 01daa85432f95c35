"""What looks like anybody's identifier: rules with examples, check digits, dates, names."""
