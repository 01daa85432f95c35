"""Which pixels may be released, and what is blanked of them."""
