"""PostgreSQL in particular: passwords, settings, templates, clones."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest

from services import snapshots
from services.errors import BacklabError, ServerError
from services.postgres import Postgres, Template


def ask(url: str, query: str) -> object:
    """The first column of the first row."""
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


MakeTemplate = Callable[[str, Callable[[str], None]], Template]


@pytest.fixture
def make_template(request: pytest.FixtureRequest) -> Iterator[MakeTemplate]:
    """Makes templates with a key of their own, whose snapshots are forgotten at the end."""
    made: list[Template] = []

    def make(name: str, fill: Callable[[str], None]) -> Template:
        made.append(Template(name, uuid.uuid4().hex, fill))
        return made[-1]

    yield make
    backend = request.getfixturevalue("backend") if "backend" in request.fixturenames else "native"
    for template in made:
        snapshots.forget(Postgres(backend=backend, template=template))


def fill(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) n")


def test_a_wrong_password_is_refused_and_each_start_has_its_own(postgres: Postgres) -> None:
    """The prepared data is shared, its password is not: only this start's is accepted."""
    with Postgres(backend=postgres.backend) as other:
        assert other.url.split("@")[0] != postgres.url.split("@")[0]
        for wrong in ("wrong", "", other.url.split(":")[2].split("@")[0]):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(postgres.url, password=wrong, connect_timeout=5)
    assert ask(postgres.url, "SELECT 1") == 1


def test_settings_reach_the_server_and_libraries_add_up(backend: str) -> None:
    """Settings go to the command line; pg_stat_statements and auto_explain stay preloaded."""
    settings = {"work_mem": "1MB", "shared_preload_libraries": "pg_prewarm"}
    with Postgres(backend=backend, settings=settings) as server:
        assert ask(server.url, "SHOW work_mem") == "1MB"
        loaded = ask(server.url, "SHOW shared_preload_libraries")
        assert loaded == "pg_stat_statements,auto_explain,pg_prewarm"


def test_pg_stat_statements_starts_empty_and_does_not_see_the_bench(postgres: Postgres) -> None:
    """The view is there in every new database, and holds nothing that the bench itself has asked."""
    count = "SELECT count(*) FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'"
    assert ask(postgres.database(), count) == 0
    ask(postgres.url, "SELECT 42")
    query = "SELECT calls FROM pg_stat_statements WHERE query = 'SELECT $1'"
    assert ask(postgres.url, query) == 1


@pytest.mark.parametrize(("durable", "fsync"), [(False, "off"), (True, "on")])
def test_only_a_durable_server_pays_for_fsync(backend: str, durable: bool, fsync: str) -> None:
    """fsync is off unless a lab on durability asks for it."""
    with Postgres(backend=backend, durable=durable) as server:
        assert ask(server.url, "SHOW fsync") == fsync


def test_text_sorts_alike_on_every_back_end(postgres: Postgres) -> None:
    """The collation is PostgreSQL's own, not this machine's."""
    words = "SELECT string_agg(w, ' ' ORDER BY w) FROM unnest(ARRAY['b', 'a', 'B', 'é', 'A']) w"
    assert ask(postgres.url, words) == "A B a b é"
    assert ask(postgres.url, "SHOW timezone") == "UTC"


def test_a_template_is_filled_once_and_cloned_often(backend: str, make_template: MakeTemplate) -> None:
    """`fill` runs for the first server only; each `database()` is a fresh copy of what it made."""
    fills: list[str] = []

    def count_and_fill(url: str) -> None:
        fills.append(url)
        fill(url)

    template = make_template("numbers", count_and_fill)
    for _ in range(2):
        with Postgres(backend=backend, template=template) as server:
            first, second = server.database(), server.database("mine")
            with psycopg.connect(first) as connection:
                connection.execute("DELETE FROM numbers")
            assert ask(first, "SELECT count(*) FROM numbers") == 0
            assert ask(second, "SELECT count(*) FROM numbers") == 1000
            assert second.endswith("/mine")
            server.drop("mine")
            server.drop("mine")
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(second)
    assert len(fills) == 1


def test_a_fill_that_fails_leaves_no_snapshot(backend: str, make_template: MakeTemplate) -> None:
    """Half a template is never kept: the next start fills again."""
    outcomes: list[Callable[[str], None]] = [lambda _url: 1 / 0, fill]
    template = make_template("broken", lambda url: outcomes.pop(0)(url))
    with pytest.raises(ZeroDivisionError):
        Postgres(backend=backend, template=template).start()
    with Postgres(backend=backend, template=template) as server:
        assert ask(server.database(), "SELECT count(*) FROM numbers") == 1000


PREPARE = """
import sys, psycopg
from services.postgres import Postgres, Template
def fill(url):
    print("filled", flush=True)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 1000) n")
with Postgres(backend=sys.argv[1], template=Template("numbers", sys.argv[2], fill)) as server:
    with psycopg.connect(server.database()) as connection:
        print(connection.execute("SELECT count(*) FROM numbers").fetchone()[0])
"""


def test_processes_that_prepare_the_same_key_at_once_share_the_work(
    backend: str, make_template: MakeTemplate
) -> None:
    """One fills while the others wait, and all of them start from the same complete data."""
    argv = [sys.executable, "-c", PREPARE, backend, make_template("numbers", fill).key]
    several = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=60)[0].split() for process in several]
    assert sorted(len(words) for words in said) == [1, 1, 2]
    assert all(words[-1] == "1000" for words in said)


def test_a_preparation_that_was_killed_is_redone(make_template: MakeTemplate) -> None:
    """A process killed while it fills leaves nothing that a later one would take for finished."""
    program = PREPARE.replace('print("filled", flush=True)', 'print("filled", flush=True); sys.stdin.read()')
    argv, key = [sys.executable, "-c"], make_template("numbers", fill).key
    with subprocess.Popen(
        [*argv, program, "native", key], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "filled\n"
        victim.kill()
    done = subprocess.run(
        [*argv, PREPARE, "native", key], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["filled", "1000"]


def test_a_database_that_cannot_be_made_is_one_sentence(postgres: Postgres) -> None:
    """A name in use, or a template that does not exist, is told with the next step."""
    postgres.database("twice")
    with pytest.raises(BacklabError, match="twice"):
        postgres.database("twice")
    with pytest.raises(BacklabError, match="nowhere"):
        postgres.database(template="nowhere")


def test_a_wrong_setting_shows_the_servers_own_words(backend: str) -> None:
    """A server that dies at the start says why in its last log lines, and leaves nothing running."""
    server = Postgres(backend=backend, settings={"no_such_setting": "1"})
    with pytest.raises(ServerError, match="no_such_setting") as told:
        server.start()
    assert "ended while it started" in str(told.value)
    assert server.ids == []


def test_databases_can_be_made_from_several_threads(postgres: Postgres) -> None:
    """Each caller gets a name of its own."""
    urls: list[str] = []
    threads = [threading.Thread(target=lambda: urls.append(postgres.database())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(urls)) == 4
