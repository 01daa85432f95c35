"""The shipped profiles (YAML), and what people ask of a profile: list, explain, compare, try."""
