"""Tables read cell by cell: files with columns, the lake's tables and views, PostgreSQL."""
