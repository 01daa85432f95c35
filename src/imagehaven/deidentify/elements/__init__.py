"""What happens to elements: data sets walked to any depth, values cleaned, kept or replaced."""
