"""Review: findings are kept in the ledger, people decide on them, and decisions teach the verifier.

What a person must see (value, place, file, device) is encrypted with the haven's keyring; groups
are found by keyed hashes. Every act is one row of the ledger that nothing changes afterwards.
"""
