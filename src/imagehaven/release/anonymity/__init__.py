"""k-anonymity of a release: nobody stands in it with fewer than k - 1 others like them."""
