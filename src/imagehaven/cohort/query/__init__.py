"""The query that a definition stands for, apart from how it is written and how it is answered.

`nodes` are values and conditions, `sets` are rows; `steps` says what the attrition table counts,
`wire` turns a query into JSON and back, `schema` is what a lake offers to a query.
"""
