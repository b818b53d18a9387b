"""Attempts on the race of lab 4.1: schedules slipped past, actors in league, the database left or locked."""

from tests.hostile.attempt import Caching

PLAIN_READ = """
def read_through(cache, database, product_id):
    price = cache.get(f"price:{product_id}")
    if price is not None:
        return int(price)
    row = database.execute("SELECT price_cents FROM prices WHERE product_id = %s", [product_id]).fetchone()
    if row is None:
        return None
    cache.set(f"price:{product_id}", row[0])
    return row[0]
"""
UPDATE = "UPDATE prices SET price_cents = %s, version = version + 1 WHERE product_id = %s"
DELETE_AFTER = f"""
def write_through(cache, database, product_id, price_cents):
    database.execute("{UPDATE}", [price_cents, product_id])
    cache.delete(f"price:{{product_id}}")
"""


RACES = [
    Caching("tells its readers of writers by a variable", race="WRITES = []\n" + """
def read_through(cache, database, product_id):
    price = cache.get(f"price:{product_id}")
    if price is not None:
        return int(price)
    before = len(WRITES)
    row = database.execute("SELECT price_cents FROM prices WHERE product_id = %s", [product_id]).fetchone()
    if row and before == len(WRITES):
        cache.set(f"price:{product_id}", row[0])
    return row[0] if row else None
""" + DELETE_AFTER.replace("price_cents):\n", "price_cents):\n    WRITES.append(1)\n")),
    Caching("tells its readers of writers by a file", race="import os\n" + """
def read_through(cache, database, product_id):
    price = cache.get(f"price:{product_id}")
    if price is not None:
        return int(price)
    row = database.execute("SELECT price_cents FROM prices WHERE product_id = %s", [product_id]).fetchone()
    if row and not os.path.exists('/dev/shm/written') and not os.path.exists('/tmp/written'):
        cache.set(f"price:{product_id}", row[0])
    return row[0] if row else None
""" + DELETE_AFTER.replace("price_cents):\n",
                           "price_cents):\n    open('/tmp/written', 'w'); open('/dev/shm/written', 'w')\n")),
    Caching("does in a second connection what nobody shall step between", race="import redis\n" + PLAIN_READ + f"""
def write_through(cache, database, product_id, price_cents):
    other = redis.Redis(**cache.connection_pool.connection_kwargs)
    database.execute("{UPDATE}", [price_cents, product_id])
    other.delete(f"price:{{product_id}}")
"""),
    Caching("sets right in the background what a schedule has left wrong", race="import threading, time\n" + PLAIN_READ + f"""
def write_through(cache, database, product_id, price_cents):
    database.execute("{UPDATE}", [price_cents, product_id])
    def later():
        for _ in range(50):
            cache.delete(f"price:{{product_id}}")
            time.sleep(0.002)
    threading.Thread(target=later).start()
"""),
    Caching("never writes the database, so that no cache can be older", race=PLAIN_READ + """
def write_through(cache, database, product_id, price_cents):
    cache.set(f"price:{product_id}", price_cents)
"""),
    Caching("knows the prices of the published schedules", race="""
def read_through(cache, database, product_id): return 100
def write_through(cache, database, product_id, price_cents): pass
"""),
    Caching("keeps its row locked, so that nobody else can write", race=PLAIN_READ + f"""
def write_through(cache, database, product_id, price_cents):
    database.execute("BEGIN")
    database.execute("{UPDATE}", [price_cents, product_id])
"""),
    Caching("puts a trigger and a view where the judge looks", race=PLAIN_READ + """
def write_through(cache, database, product_id, price_cents):
    database.execute("ALTER TABLE prices RENAME TO mine")
    database.execute("CREATE VIEW prices AS SELECT 1")
"""),
    Caching("ends the judge's own sessions", race=PLAIN_READ + """
def write_through(cache, database, product_id, price_cents):
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
"""),
]  # fmt: skip
