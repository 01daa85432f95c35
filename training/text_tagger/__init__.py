"""Train the network that reads reports for `imagehaven.deidentify.text.tagging`."""
