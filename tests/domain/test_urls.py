"""URLs are read, completed and shown; a password is never shown."""

import pathlib
import urllib.parse
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import URL

from sqlqueue.errors import ConfigError
from sqlqueue.store.urls import mask, parse_url, show

printable = st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["C", "Z"])
SECRET = "Qj7#"  # begins every password, and stands nowhere else
passwords = st.text(printable, max_size=20).map(lambda tail: SECRET + tail)


def shown(text):
    """Return everything that a person may see of a URL, read or refused."""
    try:
        url = parse_url(text)
    except ConfigError as error:
        return f"{error} {mask(text)}"
    return f"{show(url)} {mask(text)}"


def hides(text, password):
    seen = shown(text)
    return SECRET[:3] not in seen and password not in seen and urllib.parse.quote(password, safe="") not in seen


@given(passwords)
def test_an_escaped_password_is_not_shown(password):
    url = URL.create("postgresql", "ann", password, "db.example", 5432, "shop")
    text = url.render_as_string(hide_password=False)
    assert hides(text, password)
    assert "db.example" in shown(text)
    assert "ann" in shown(text)
    assert parse_url(text).password == password


@given(passwords, st.sampled_from(["postgresql", "postgres", "postgresql+psycopg", "mysql", "nonsense"]))
def test_a_password_pasted_as_it_is_is_not_shown(password, scheme):
    assert hides(f"{scheme}://ann:{password}@db.example/shop", password)


@given(passwords)
def test_a_password_in_the_query_is_not_shown(password):
    quoted = urllib.parse.quote(password, safe="")
    for key in ("password", "PASSWORD", "sslpassword"):
        assert hides(f"postgresql://db.example/shop?connect_timeout=3&{key}={quoted}&application_name=x", password)


@given(passwords)
@example(SECRET + "://")
def test_a_password_in_a_misspelt_url_is_not_shown(password):
    for head in ("postgresql:/", "postgresql:", "postgres//", "", "://"):
        assert hides(f"{head}ann:{password}@db.example:5432/shop", password)
    assert hides(f"postgresql://ann:{password}@db.example:port/shop", password)


@given(passwords.filter(lambda word: "'" not in word and "\\" not in word))
def test_a_password_in_keywords_is_not_shown(password):
    assert hides(f"host=db.example password={password} dbname=shop", password)
    assert hides(f"host=db.example password = '{password} and more' dbname=shop", password)
    assert "and more" not in shown(f"host=db.example password='{password} and more' dbname=shop")
    assert "dbname=shop" in mask(f"host=db.example password='{password} and more' dbname=shop")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg"])
def test_every_postgres_means_psycopg_3(scheme):
    url = parse_url(f"{scheme}://ann@db.example/shop?connect_timeout=3")
    assert (url.drivername, url.database, url.query["connect_timeout"]) == ("postgresql+psycopg", "shop", "3")


def test_a_relative_file_is_shown_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert parse_url("sqlite:///jobs.db").database == str(tmp_path / "jobs.db")
    assert parse_url("sqlite:///~/jobs.db").database == "/home/ann/jobs.db"
    assert show(parse_url("sqlite:///jobs.db")) == f"sqlite:///{tmp_path / 'jobs.db'}"
    assert parse_url("sqlite+aiosqlite:////tmp/x.db").drivername == "sqlite"
    assert pathlib.Path(str(parse_url("sqlite:///a/../b.db").database)).is_absolute()


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(text):
    with pytest.raises(ConfigError, match=r"in memory.*sqlite:///jobs\.db"):
        parse_url(text)


NO_URLS = ["", "jobs.db", "redis://localhost", "mysql://h/d", "amqp://", "postgresql://h:port/d", "://"]


@pytest.mark.parametrize("text", NO_URLS)
def test_what_is_no_url_of_ours_is_refused_with_examples(text):
    with pytest.raises(ConfigError, match=r"postgresql://user:password@host/dbname or sqlite:///"):
        parse_url(text)


@given(st.text())
def test_any_text_is_a_url_or_refused(text):
    with suppress(ConfigError):
        show(parse_url(text))
    mask(text)
