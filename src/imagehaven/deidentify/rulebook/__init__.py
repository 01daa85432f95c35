"""The rules: the tables of the Standard, profiles, vocabulary, and the decision on each tag."""
