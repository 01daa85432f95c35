"""What is known of the very patient: taken from the source instance, found again in texts."""
