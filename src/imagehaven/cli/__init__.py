"""The command line: one command for each verb, and no rule of its own.

Purpose: turn words into the call of a public function, and its result into a table for people or
one JSON document for machines. Comes in: arguments. Goes out: text on standard output, progress
and errors on standard error, and an exit code: 0 done, 1 an answer that is a no (a broken chain,
an unhealthy store, a release that comes out otherwise), 2 something to mend in the call, 3 a store
out of reach, 4 a store that contradicts itself, 70 a defect of imagehaven, 130 interrupted.

Guarantees: with ``--json`` exactly one JSON document goes to standard output and nothing else;
rooms are imported when their command runs, so ``--help`` is quick.
"""
