"""How a definition file is evaluated without trusting it.

`run` starts a process for each file and takes back query nodes; `jail` is the inside of that
process; `codelist` is the one thing that a definition may read.

Nothing is imported here: the process pays for each import with every definition.
"""
