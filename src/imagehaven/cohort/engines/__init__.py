"""Two engines that answer the same query: `sql` for a lake, `memory` to hold it against.

`sql` compiles the sets and `condition_sql` the conditions and columns inside them. `memory` is slow
and obvious; the tests compare both on random queries.
"""
