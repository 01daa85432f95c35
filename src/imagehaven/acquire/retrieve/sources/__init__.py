"""The sources that a haven may retrieve from, declared in ``HAVEN/pacs.yaml``.

``source`` says what a source is, ``reading`` reads the declaration and names the line at fault,
``hours`` knows when a source may be asked.
"""
