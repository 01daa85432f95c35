"""The compiled way of de-identification: what the core is told, and how it comes to know it."""
