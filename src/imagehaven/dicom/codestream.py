"""Read the size that a compressed frame declares, before any decoder allocates memory for it."""

from __future__ import annotations

_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_NO_FRAME_HEADER = frozenset({0xC4, 0xC8, 0xCC})
_JPEG_LS_FRAME = 0xF7


def declared_size(frame: bytes) -> tuple[int, int, int] | None:
    """Return rows, columns and samples of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K codestream.

    None for other encodings and for what has no readable header. Sources: ITU-T T.81 B.2.2,
    T.87 C.2.2, T.800 A.5.1.
    """
    if frame.startswith(b"\xff\xd8"):
        return _jpeg_size(frame)
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)  # behind the boxes of a JP2 file, if any
    if start >= 0 and len(frame) >= start + 44:
        edges = [int.from_bytes(frame[start + i : start + i + 4]) for i in (8, 12, 16, 20)]
        columns, rows = edges[0] - edges[2], edges[1] - edges[3]
        return rows, columns, int.from_bytes(frame[start + 40 : start + 42])
    return None


def _jpeg_size(frame: bytes) -> tuple[int, int, int] | None:
    position = 2
    while position + 10 <= len(frame):
        if frame[position] != 0xFF:
            return None
        marker = frame[position + 1]
        if marker == 0xFF or marker in _STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        if (0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_HEADER) or marker == _JPEG_LS_FRAME:
            rows = int.from_bytes(frame[position + 5 : position + 7])
            columns = int.from_bytes(frame[position + 7 : position + 9])
            return rows, columns, frame[position + 9]
        position += 2 + int.from_bytes(frame[position + 2 : position + 4])
    return None
