"""Settings say what is wrong with them; keys stay secret and seal what they should."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from imagehaven.errors import TerminalError, UserError
from imagehaven.haven import Haven, Keyring, Settings, keys, settings


def test_settings_are_read_back_as_written(tmp_path: Path) -> None:
    wanted = Settings(name='Größe "x"', workers=3, s3_tls=False, database="postgresql://h/d")
    settings.write(tmp_path, wanted)
    assert settings.read(tmp_path) == wanted


def test_the_file_explains_every_setting(tmp_path: Path) -> None:
    settings.write(tmp_path, Settings())
    text = (tmp_path / settings.FILE).read_text()
    assert "# What people call this haven." in text
    assert text.count("\n# ") >= 13


def test_only_the_owner_may_read_the_settings(tmp_path: Path) -> None:
    settings.write(tmp_path, Settings())
    assert (tmp_path / settings.FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wrokers = 2\n", "wrokers.*Valid choices:.*workers"),
        ("workers = 'two'\n", "workers must be of type int"),
        ("s3_tls = 1\n", "s3_tls must be of type bool"),
        ("workers = \n", "not readable as TOML"),
        ("name = '\xff'\n", "not readable as TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / settings.FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=told):
        settings.read(tmp_path)


def test_a_folder_that_is_no_haven_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="imagehaven init"):
        Haven.open(tmp_path)


def test_no_haven_named_is_told_with_both_ways() -> None:
    with pytest.raises(UserError, match="-C HAVEN, or set IMAGEHAVEN_HOME"):
        settings.home(None)


def test_a_secret_comes_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVEN_TEST_SECRET", "s3cret")
    options = Settings(s3_secret="env:HAVEN_TEST_SECRET")
    assert options.secret(options.s3_secret) == "s3cret"
    monkeypatch.delenv("HAVEN_TEST_SECRET")
    with pytest.raises(UserError, match="Set HAVEN_TEST_SECRET"):
        options.secret(options.s3_secret)


def test_the_master_key_is_for_its_owner_only_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    first = keys.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.create(path) == first
    assert [item.name for item in path.parent.iterdir()] == ["master.key"]


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "\u00e4"])
def test_a_damaged_master_key_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(content)
    with pytest.raises(UserError, match="damaged"):
        keys.read(path)


def test_a_missing_master_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Restore it from its backup"):
        keys.read(tmp_path / "master.key")


def test_a_keyring_shows_nothing_of_its_key() -> None:
    keyring = Keyring(bytes(range(32)))
    assert str(keyring) == "Keyring()"
    assert bytes(range(32)).hex() not in keyring.fingerprint + repr(keyring)


def test_each_purpose_has_its_own_key() -> None:
    keyring = Keyring(bytes(32))
    assert keyring.derive("audit") != keyring.derive("vault")
    assert keyring.lookup("a", "x") != keyring.lookup("b", "x")


@hypothesis_settings(max_examples=50, deadline=None, derandomize=True)
@given(plain=st.binary(max_size=200), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_sealed_value_opens_unchanged_or_not_at_all(plain: bytes, place: int, bit: int) -> None:
    keyring = Keyring(b"m" * 32)
    sealed = keyring.seal("vault", plain)
    assert keyring.open("vault", sealed) == plain
    broken = bytearray(sealed)
    broken[place % len(broken)] ^= 1 << bit
    with pytest.raises(TerminalError, match="does not open"):
        keyring.open("vault", bytes(broken))
    with pytest.raises(TerminalError):
        keyring.open("another purpose", sealed)


def test_making_a_haven_again_keeps_settings_and_keys(haven: Haven) -> None:
    again = Haven.create(haven.folder, replace(haven.settings, name="other"))
    assert again.settings == haven.settings
    assert again.keyring == haven.keyring
    again.ledger.close()


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.binary(max_size=80))
def test_any_settings_file_is_read_or_refused_in_words(tmp_path: Path, text: bytes) -> None:
    (tmp_path / settings.FILE).write_bytes(text)
    try:
        found = settings.read(tmp_path)
    except UserError as error:
        assert settings.FILE in str(error)
    else:
        assert isinstance(found, Settings)
