"""Asks a DICOMweb server, and says what its refusals mean. No secret is ever in a message."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from imagehaven.acquire.retrieve.peer import NotServed, PeerError, Refused, Unavailable
from imagehaven.acquire.retrieve.sources.source import Dicomweb, Encrypted, Source, secret

JSON: Final = "application/dicom+json"
#: No page of answers that a server means well is longer.
_LONGEST: Final = 256 * 2**20

#: What a status means and what mends it, by status or by its hundred (RFC 9110 section 15): pause
#: (wait), stop until somebody changes a setting (setting), or try again (failed).
_REFUSALS: Final = {
    429: ("wait", "", "it asks for time. Lower associations and rates in pacs.yaml."),
    503: ("wait", "", "it asks for time. Lower associations and rates in pacs.yaml."),
    401: ("setting", "", "it does not let us in. See that `token:` (or `user:` and `password:`) in "
          "pacs.yaml refer to what is valid now."),
    403: ("setting", "", "it does not let us do this. Have the right to query and retrieve granted "
          "to the token or user in pacs.yaml."),
    3: ("setting", "", "it sends us elsewhere. Write the URL of its DICOMweb service into "
        "pacs.yaml."),
    404: ("failed", "not-there", "it does not have this. See whether it was moved or deleted "
          "there, and that `url:` in pacs.yaml is that of its DICOMweb service."),
    410: ("failed", "not-there", "it does not have this any more."),
    406: ("failed", "class-refused", "it does not send objects as it has them."),
    413: ("failed", "too-many", "the answer would be too long for it."),
    5: ("failed", "processing-failure", "it failed. Its log says why."),
}  # fmt: skip
_OTHER: Final = ("failed", "not-understood", "it does not understand what was asked.")


class Client:
    """One thread's connection to a server."""

    def __init__(self, source: Source, web: Dicomweb) -> None:
        self.where = source.where
        self._base = secret(web.url, source.name).rstrip("/")
        self._headers = _authorization(source, web)
        self._seconds = source.limits.timeout
        files = web.tls or Encrypted()
        tls = files.context() if self._base.startswith("https:") else None
        named: dict[str, Any] = {"server_hostname": files.name} if tls and files.name else {}
        # Without retries or redirects of its own: pauses are the retriever's, and a token must not
        # follow to another server.
        self._pool = urllib3.PoolManager(
            num_pools=1,
            ssl_context=tls,
            **named,
            retries=False,
            timeout=urllib3.Timeout(connect=min(30.0, self._seconds), read=self._seconds),
        )

    def rows(
        self, path: str, query: Mapping[str, str | int | list[str]]
    ) -> tuple[list[dict[str, Any]], bool]:
        """The answers of one QIDO-RS page, and whether the server says that there are more."""
        answer = self.open(f"{path}?{urlencode(query, doseq=True)}", JSON, "QIDO-RS")
        try:
            if answer.status == 204:
                return [], False
            text = answer.read(_LONGEST + 1, decode_content=True)
            if len(text) > _LONGEST:
                raise NotServed("not-understood", f"{self.where}: a page of answers without end.")
            rows = json.loads(text or b"[]")
        except (HTTPError, ValueError) as error:
            raise self.broken("QIDO-RS", error) from error
        finally:
            answer.release_conn()
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NotServed(
                "not-understood",
                f"{self.where}: its answer is no list of studies. See that `url:` in pacs.yaml is "
                "that of its DICOMweb service.",
            )
        # PS3.18 section 8.3.4.4: warning 299 where results were left out.
        return rows, answer.headers.get("Warning", "").startswith("299")

    def open(self, path: str, accept: str, operation: str) -> urllib3.BaseHTTPResponse:
        """Ask for ``path``; returns the answer unread where it is a success."""
        try:
            answer = self._pool.request(
                "GET",
                f"{self._base}{path}",
                headers={**self._headers, "Accept": accept},
                preload_content=False,
                redirect=False,
            )
        except SSLError as error:
            raise Refused(
                f"{self.where}: TLS was not agreed on. Give the authority that signed its "
                "certificate under `tls:`, and a certificate of ours where it demands one."
            ) from error
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise Unavailable(
                f"{self.where}: no connection. See that it runs, that `url:` in pacs.yaml is "
                "right, and that firewalls let us through."
            ) from error
        except HTTPError as error:
            raise self.broken(operation, error) from error
        if answer.status in (200, 204, 206):
            return answer
        retry_after = _seconds(answer.headers.get("Retry-After", ""))
        answer.drain_conn()
        answer.release_conn()
        raise self._refusal(answer.status, operation, retry_after)

    def broken(self, operation: str, error: Exception) -> NotServed:
        """What is to be said when an answer stopped in the middle."""
        return NotServed(
            "broken-off",
            f"{self.where}, {operation}: the answer broke off, or it was silent for more than "
            f"{self._seconds:g} s ({type(error).__name__}). See that it runs; a slow source wants "
            "a longer `timeout:` in pacs.yaml.",
            distress=True,
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._pool.clear()

    def _refusal(self, status: int, operation: str, retry_after: float | None) -> PeerError:
        said = f"{self.where}, {operation}: HTTP {status}"
        kind, reason, means = _REFUSALS.get(status) or _REFUSALS.get(status // 100, _OTHER)
        message = f"{said}, {means}"
        if kind == "wait":
            return Unavailable(message, retry_after=retry_after, reached=True)
        if kind == "setting":
            return Refused(message)
        return NotServed(reason, message, distress=status >= 500, retry_after=retry_after)


def _authorization(source: Source, web: Dicomweb) -> dict[str, str]:
    if web.token:
        return {"Authorization": f"Bearer {secret(web.token, source.name)}"}
    if web.user:
        pair = f"{secret(web.user, source.name)}:{secret(web.password, source.name)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}


def _seconds(retry_after: str) -> float | None:
    """Seconds that a Retry-After header names (RFC 9110 section 10.2.3), None where it does not."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        named = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    if named.tzinfo is None:
        named = named.replace(tzinfo=UTC)
    return max((named - datetime.now(UTC)).total_seconds(), 0.0)
