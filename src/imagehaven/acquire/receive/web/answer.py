"""What a client hears: the Store Instances Response as DICOM JSON (PS3.18 annex I.2 and F)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

MEDIA_TYPE: Final = "application/dicom+json"

#: Failure reasons, PS3.18 table I.2-2.
OUT_OF_RESOURCES: Final = 0xA700
CANNOT_UNDERSTAND: Final = 0xC000
PROCESSING_FAILURE: Final = 0x0110


@dataclass
class Response:
    """What became of the parts of one request: SOP class and instance, reason where it failed."""

    stored: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str, int]] = field(default_factory=list)
    #: Parts that do not say which instance they are.
    others: list[int] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The HTTP status: all stored, some, or none (PS3.18 table 10.5.3-1)."""
        if not self.stored:
            return 409
        return 202 if self.failed or self.others else 200

    def body(self) -> bytes:
        """The response's data set."""
        # Retrieve URL is of type 2: it is there, and empty, because nothing is retrieved from here.
        told: dict[str, Any] = {"00081190": {"vr": "UR"}}
        if self.failed:
            items = [{**_reference(*pair), "00081197": _reason(why)} for *pair, why in self.failed]
            told["00081198"] = {"vr": "SQ", "Value": items}
        if self.stored:
            stored = [{**_reference(*pair), "00081190": {"vr": "UR"}} for pair in self.stored]
            told["00081199"] = {"vr": "SQ", "Value": stored}
        if self.others:
            items = [{"00081197": _reason(why)} for why in self.others]
            told["0008119A"] = {"vr": "SQ", "Value": items}
        return json.dumps(told, separators=(",", ":")).encode()


def _reference(sop_class: str, instance: str) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [sop_class]},
        "00081155": {"vr": "UI", "Value": [instance]},
    }


def _reason(why: int) -> dict[str, Any]:
    return {"vr": "US", "Value": [why]}
