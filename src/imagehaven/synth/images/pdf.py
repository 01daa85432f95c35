"""A page of text as PDF 1.4, plain or with its content stream deflated (ISO 32000-1, 7.5)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def pdf_of(lines: Sequence[str], *, squeeze: bool) -> bytes:
    """Return a one-page PDF of lines of ASCII text; ``squeeze`` hides its text from a search."""
    shown = []
    for line in lines:
        escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        shown.append(f"({escaped}) Tj T*")
    stream = ("BT /F1 9 Tf 40 800 Td 12 TL\n" + "\n".join(shown) + "\nET").encode("ascii")
    flag = b""
    if squeeze:
        stream, flag = zlib.compress(stream, 6), b" /Filter /FlateDecode"
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(stream), flag, stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(bodies, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(bodies) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n" % (
        count, table, count,
    ) + b"startxref\n%d\n%%%%EOF\n" % len(out)  # fmt: skip
