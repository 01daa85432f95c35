"""What pixel data can carry beside the picture: comments, leftovers, overlays, spare bits."""
