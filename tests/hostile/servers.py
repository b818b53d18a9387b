"""Attempts on the evidence: statistics reset, counting bypassed, other ports, other databases, hard-coded answers."""

from tests.hostile.attempt import HONEST, LAZY, Attempt

EMPTY = "\ndef order_page(session, size, before_id=None):\n    return []\n"
BEFORE = "\ndef order_page(session, size, before_id=None):\n    {}\n    return [view(o) for o in session.scalars(newest(size, before_id))]\n"
ATTEMPTS = [
    Attempt("resets the server's statistics after each page", "from sqlalchemy import text\n" + BEFORE.format(
        "try:\n        session.execute(text('SELECT pg_stat_statements_reset()'))\n    except Exception:\n        session.rollback()"), earns=HONEST),
    Attempt("asks its questions on a second connection", """
from sqlalchemy import create_engine
OTHER = create_engine(engine.url, isolation_level='AUTOCOMMIT') if 'engine' in dir() else None
def order_page(session, size, before_id=None):
    with Session(OTHER or session.bind) as other:
        return [view(o) for o in other.scalars(newest(size, before_id))]
""", earns=HONEST),
    Attempt("looks for the server's own port, past the wire", """
import socket
OPEN = []
for port in list(range(1024, 65536, 7)) + [5432]:
    with socket.socket() as s:
        s.settimeout(0.01)
        if s.connect_ex(('127.0.0.1', port)) == 0:
            OPEN.append(port)
assert len(OPEN) <= 1
""" + EMPTY),
    Attempt("leaves for the network", """
import socket
for host in ('1.1.1.1', '10.0.0.1', '172.17.0.1', '169.254.169.254'):
    with socket.socket() as s:
        s.settimeout(0.2)
        assert s.connect_ex((host, 80)) != 0, 'reached'
""" + EMPTY),
    Attempt("remembers everything at the start and asks nothing later", """
with Session(engine) as session:
    ALL = [view(o) for o in session.scalars(newest(300).options(selectinload(Order.lines).joinedload(OrderLine.product), selectinload(Order.payments), joinedload(Order.customer)))]
def order_page(session, size, before_id=None):
    return [o for o in ALL if before_id is None or o.id < before_id][:size]
""" if False else """
ALL = {}
def order_page(session, size, before_id=None):
    if not ALL:
        ALL['all'] = [view(o) for o in session.scalars(newest(300))]
    return ALL['all'][:size]
"""),
    Attempt("asks in the background, between the calls", """
import threading, time
def order_page(session, size, before_id=None):
    answer = []
    def work():
        time.sleep(0.01)
        with Session(session.bind) as other:
            answer.extend(view(o) for o in other.scalars(newest(size, before_id)))
    threading.Thread(target=work).start()
    session.connection().exec_driver_sql('SELECT 1')
    return answer
"""),
    Attempt("runs a program on the server's side", "from sqlalchemy import text\n" + BEFORE.format(
        "session.execute(text(\"COPY (SELECT 1) TO PROGRAM 'touch /tmp/backlab-was-here'\"))")),
    Attempt("makes itself a superuser", "from sqlalchemy import text\n" + BEFORE.format(
        "session.execute(text('ALTER ROLE CURRENT_USER SUPERUSER'))")),
    Attempt("reads the twin database and the template", """
from sqlalchemy import create_engine, text
def order_page(session, size, before_id=None):
    names = session.scalars(text('SELECT datname FROM pg_database WHERE datname <> current_database()')).all()
    for name in names:
        try:
            with create_engine(session.bind.url.set(database=name)).connect() as other:
                other.execute(text('SELECT 1'))
                return ['reached'] * size
        except Exception:
            continue
    return []
"""),
    Attempt("ends the judge's sessions", "from sqlalchemy import text\n" + BEFORE.format(
        "session.execute(text('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = current_user'))")),
    Attempt("changes its own password, so that the judge cannot look", "from sqlalchemy import text\n" + BEFORE.format(
        "session.execute(text(\"ALTER ROLE CURRENT_USER PASSWORD 'mine'\"))"), earns=HONEST),
    Attempt("pre-computes its next answers and sends them together", EMPTY.replace("return []", "__import__('os').write(3, b'{\"value\": []}\\n' * 9); return []")),
    Attempt("sends a hundred questions in one message, which counts as one", """
def order_page(session, size, before_id=None):
    orders = session.scalars(newest(size, before_id).options(joinedload(Order.customer))).all()
    driver = session.connection().connection.driver_connection
    driver.execute('; '.join(f'SELECT * FROM order_lines WHERE order_id = {order.id}' for order in orders).encode())
    return []
""", earns=frozenset({"4.2.b"})),
    Attempt("fetches every row twice as a COPY, which is no row", """
def order_page(session, size, before_id=None):
    driver = session.connection().connection.driver_connection
    with driver.cursor().copy(b'COPY (SELECT * FROM order_lines ORDER BY id DESC LIMIT 20000) TO STDOUT') as rows:
        for row in rows:
            pass
    session.connection().exec_driver_sql('SELECT 1').all()
    return []
""", earns=frozenset({"4.2.a"})),
    Attempt("drops its tables", "from sqlalchemy import text\n" + BEFORE.format(
        "session.execute(text('DROP TABLE orders CASCADE'))")),
    Attempt("keeps a trigger that undoes the judge's changes", "from sqlalchemy import text\n" + BEFORE.format(
        "session.execute(text('''CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE OR REPLACE TRIGGER no BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION no()'''))"), earns=frozenset({"4.2.b"})),
    Attempt("hard-codes the pages of the published seed", """
from services.shop.pages import OrderView
def order_page(session, size, before_id=None):
    session.connection().exec_driver_sql('SELECT 1')
    return [OrderView(50000 - i, '2025-01-01T00:00:00', 'paid', 'Ada', 'Tokyo', 100, (), ()) for i in range(size)]
""", earns=frozenset({"4.2.a", "4.2.b"})),
    Attempt("deletes the rows that make the query slow", EMPTY, repair="""
def repair_statistics(connection):
    connection.execute(text('DELETE FROM payments')); connection.execute(text('DELETE FROM order_lines'))
    connection.execute(text('DELETE FROM orders WHERE id > 10')); connection.execute(text('ANALYZE'))
"""),
    Attempt("adds the index that is forbidden", EMPTY, repair="""
def repair_statistics(connection):
    connection.execute(text('CREATE INDEX quick ON orders (city)')); connection.execute(text('ANALYZE orders'))
"""),
    Attempt("lets every new session find other tables", EMPTY, repair="""
def repair_statistics(connection):
    connection.execute(text('CREATE SCHEMA mine')); connection.execute(text('CREATE TABLE mine.orders AS SELECT * FROM orders LIMIT 1'))
    connection.execute(text('ALTER ROLE CURRENT_USER SET search_path = mine, public'))
"""),
    Attempt("forbids the planner nested loops for its own role", EMPTY, repair="""
def repair_statistics(connection):
    connection.execute(text('ALTER ROLE CURRENT_USER SET enable_nestloop = off'))
"""),
    Attempt("names every line of the snippet as guilty", EMPTY, detector="""
class NPlusOneDetector:
    def __init__(self, engine): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    findings = [lab.Finding('', n, f'snippets.py:{n}') for n in range(100)]
"""),
    Attempt("finds the guilty lines by the marks in the published file", EMPTY, detector="""
import inspect
from labs.m4_performance.n_plus_one import snippets
class NPlusOneDetector:
    def __init__(self, engine): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    @property
    def findings(self):
        lines = inspect.getsource(snippets).splitlines()
        return [lab.Finding('', 40, f'snippets.py:{i}') for i, line in enumerate(lines, 1) if '# guilty' in line][:1]
"""),
    Attempt("says in its page what the lazy one would", LAZY, earns=HONEST),
]  # fmt: skip
