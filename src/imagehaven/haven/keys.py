"""The haven's keys: one secret file, from which every other key is derived or wrapped.

The master key (256 bits from the operating system) lies in ``keys/master.key``, readable by its
owner only. HKDF-SHA256 (RFC 5869) derives one key per purpose from it. Project keys are random and
kept in the ledger, wrapped by AES-256-GCM (NIST SP 800-38D), so that a project keeps its
pseudonyms when the master key is changed.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from imagehaven.errors import TerminalError, UserError

_NONCE = 12


@dataclass(frozen=True)
class Keyring:
    """Derives keys and seals values. ``master`` is 32 bytes and is never shown."""

    master: bytes

    def __repr__(self) -> str:
        """Show nothing of the key: it could end in a log."""
        return "Keyring()"

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key of its own for ``purpose``."""
        return _derive(self.master, purpose)

    def lookup(self, purpose: str, value: str) -> str:
        """A keyed hash (64 hex digits) by which a value is found without storing it."""
        return hmac.new(self.derive(f"lookup/{purpose}"), value.encode(), "sha256").hexdigest()

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Encrypt for ``purpose``; the result starts with its nonce."""
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(self.derive(f"seal/{purpose}")).encrypt(nonce, plain, purpose.encode())
        return nonce + sealed

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Decrypt what :meth:`seal` made; raises TerminalError when key or content do not fit."""
        cipher = AESGCM(self.derive(f"seal/{purpose}"))
        try:
            return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())
        except InvalidTag:
            raise TerminalError(
                f"A sealed value ({purpose}) does not open with this haven's master key: the key "
                "file was exchanged or the value altered. Restore keys/master.key from its backup."
            ) from None

    @property
    def fingerprint(self) -> str:
        """Tells one master key from another without telling the key."""
        return hashlib.sha256(self.derive("fingerprint")).hexdigest()[:16]


@functools.lru_cache(maxsize=256)
def _derive(master: bytes, purpose: str) -> bytes:
    # Kept, because a release asks for the same few keys once for every value it seals.
    return HKDF(SHA256(), 32, None, f"imagehaven/{purpose}".encode()).derive(master)


def create(path: Path) -> Keyring:
    """Make the master key file, or read the one that is there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(os.urandom(32).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # A hard link fails when the name exists: two `init` at once agree on one key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return read(path)


def read(path: Path) -> Keyring:
    """Read the master key file; raises UserError with the remedy."""
    try:
        text = path.read_text(encoding="ascii").strip()
        key = bytes.fromhex(text)
    except FileNotFoundError:
        raise UserError(
            f"The master key {path} is missing. Restore it from its backup: without it the vault "
            "and every project's pseudonyms are lost."
        ) from None
    except OSError as error:
        raise UserError(f"The master key {path} cannot be read: {error.strerror}.") from error
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UserError(f"The master key {path} is damaged: it must be 64 hexadecimal digits.")
    return Keyring(key)
