"""SQL that turns the text of a DICOM value into a column's type; NULL where it is none of it."""

from __future__ import annotations


def typed(value: str, kind: str) -> str:
    """The SQL expression ``value``, one DICOM value as text, as text, date, integer or number.

    A date is DA (PS3.5 6.2), also as ACR-NEMA wrote it with dots. An integer may be written as a
    decimal without fraction, since scanners write IS so.
    """
    text = f"trim({value})"
    match kind:
        case "date":
            return f"try_strptime({text}, ['%Y%m%d', '%Y.%m.%d'])::DATE"
        case "integer":
            # A cast alone would round '1.5'.
            whole = f"regexp_full_match({text}, '[+-]?[0-9]+([.]0*)?')"
            return f"CASE WHEN {whole} THEN try_cast({text} AS BIGINT) END"
        case "number":
            # DuckDB also takes words such as 'inf' for numbers, which DS does not allow.
            number = f"try_cast({text} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
    return value
