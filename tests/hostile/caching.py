"""Attempts on lab 4.1: loads uncounted, values remembered, Redis misused, answers borrowed from the lab."""

from tests.hostile.attempt import Caching
from tests.hostile.races import RACES


def cache_of(body: str, before: str = "") -> str:
    """A ProductCache whose `get_or_load` has this body."""
    lines = "\n        ".join(body.strip().splitlines())
    return f"""
{before}
class ProductCache:
    def __init__(self, cache, ttl_s):
        self.cache, self.ttl_s, self.loading, self.lock = cache, ttl_s, {{}}, asyncio.Lock()
    async def get_or_load(self, key, loader):
        {lines}
"""


def before_reading(line: str) -> str:
    """A naive cache that first does something else."""
    return cache_of(f"try:\n    {line}\nexcept Exception:\n    pass\nreturn await loader()")


CROWDS = [
    Caching("caches once and for ever", cache_of("""
found = await self.cache.get(key)
if found is not None:
    return json.loads(found)
if key not in self.loading:
    self.loading[key] = asyncio.ensure_future(loader())
value = await asyncio.shield(self.loading[key])
await self.cache.set(key, json.dumps(value))
return value
""")),
    Caching("remembers values in its process and leaves Redis empty", cache_of("""
now, kept = time.time(), KEPT.get(key)
if kept and now >= kept[1] and key not in self.loading:
    self.load_once(key, loader)
if kept:
    return kept[0]
return await asyncio.shield(self.load_once(key, loader))
""", "KEPT = {}") + """
    def load_once(self, key, loader):
        if key not in self.loading:
            task = self.loading[key] = asyncio.ensure_future(self.load(key, loader))
            task.add_done_callback(lambda ended: (self.loading.pop(key), ended.exception()))
        return self.loading[key]
    async def load(self, key, loader):
        KEPT[key] = (await loader(), time.time() + self.ttl_s)
        return KEPT[key][0]
""", earns=frozenset({"4.1.a", "4.1.c"})),
    Caching("loads for everybody, but one after the other and slowly", cache_of("""
found = await self.cache.get(key)
if found is not None:
    return json.loads(found)
async with self.lock:
    value = await loader()
    await asyncio.sleep(0.02)
    await self.cache.set(key, json.dumps(value), px=round(self.ttl_s * 1000))
    return value
"""), earns=frozenset({"4.1.c"})),
    Caching("reads what the loads would find past the function that counts", cache_of("""
import psycopg
url = loader.func.__self__._loads_url
async with await psycopg.AsyncConnection.connect(url) as other:
    row = await (await other.execute('SELECT stored FROM judged.products WHERE key = %s', [key])).fetchone()
return row[0]
""")),
    Caching("sets the count of its loads back", before_reading(
        "import psycopg; c = psycopg.connect(loader.func.__self__._loads_url, autocommit=True);"
        " [c.execute(f'SELECT setval(\\'judged.begun_{n}\\', 1, false)') for n in range(9)]")),
    Caching("answers with strings that are equal to everything", """
class Yes(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class ProductCache:
    def __init__(self, cache, ttl_s): pass
    async def get_or_load(self, key, loader): return Yes('101')
"""),
    Caching("holds a transaction open after its load, so that the judge can hold nothing", cache_of("""
import psycopg
other = KEPT or psycopg.connect(loader.func.__self__._loads_url)
KEPT or KEPT.append(other)
other = KEPT[0]
return other.execute('SELECT value FROM load(%s)', [key]).fetchone()[0]
""", "KEPT = []")),
    Caching("stops, configures, empties and watches Redis", cache_of("""
for words in ('CONFIG SET maxmemory 0', 'CONFIG RESETSTAT', 'FLUSHALL', 'SHUTDOWN NOSAVE', 'ACL WHOAMI', 'MONITOR',
              'DEBUG SLEEP 60', 'MODULE LIST', 'SCRIPT FLUSH', 'FUNCTION FLUSH', 'REPLICAOF 127.0.0.1 1', 'KEYS *',
              'CLIENT PAUSE 60000', 'CLIENT KILL TYPE normal', 'SAVE', 'SWAPDB 0 1', 'MIGRATE 127.0.0.1 1 a 0 1'):
    try:
        await self.cache.execute_command(*words.split())
    except Exception as error:
        if 'permission' in str(error):
            continue
    return 'it may ' + words
return await loader()
""")),
    Caching("runs a script that never ends", cache_of("""
await self.cache.eval('while true do end', 0)
return await loader()
""")),
    Caching("writes without end in a script, so that Redis cannot be asked any more", cache_of("""
await self.cache.eval("redis.call('SET', KEYS[1], 'x') while true do end", 1, key)
return await loader()
""")),
    Caching("fills Redis' memory", cache_of("""
for n in range(200):
    await self.cache.set(f'{key}{n}', 'x' * (1 << 20))
return await loader()
""")),
]  # fmt: skip
CURVES = [
    Caching(
        "answers with a list that is equal to every list",
        curve="""
class Same(list):
    def __eq__(self, other): return True
    def __len__(self): return 999
def lru_curve(trace): return Same([len(trace)] * (len(set(trace)) + 1))
""",
    ),
    Caching(
        "answers with the right numbers as floats",
        curve="""
def lru_curve(trace):
    last, found = {}, [float(len(trace))]
    for size in range(1, len(set(trace)) + 1):
        kept, misses = {}, 0
        for key in trace[:400]:
            misses += kept.pop(key, 1) and 1
            kept[key] = 0
            if len(kept) > size:
                del kept[next(iter(kept))]
        found.append(float(misses))
    return found
""",
    ),
]
BORROWED = [
    Caching("takes the lab's own strategies", race="read_through, write_through = lab.STRATEGIES['versioned on both sides']\n"),
    Caching("takes a strategy from its module, whose file it reads when that fails", race="""
from labs.m4_performance.caching import strategies
try:
    read_through, write_through = strategies.read_versioned, strategies.set_versioned
    strategies.SET_IF_NEWER.strip()
except Exception:
    known = {}
    exec(open(strategies.__file__).read(), known)
    read_through, write_through = known['read_versioned'], known['set_versioned']
"""),
    Caching("digs for a strategy in memory and bytecode", race="""
import gc, glob, marshal
FOUND = [thing for thing in gc.get_objects() if getattr(thing, '__name__', '') in ('read_versioned', 'set_versioned')]
for place in glob.glob('/**/caching/__pycache__/strategies*.pyc', recursive=True):
    known = {'__name__': 'x'}
    exec(marshal.loads(open(place, 'rb').read()[16:]), known)
    FOUND = [known['read_versioned'], known['set_versioned']]
FOUND.sort(key=lambda thing: thing.__name__)
read_through, write_through = FOUND
"""),
    Caching("takes the lab's own curve", curve="lru_curve = lab.misses_by_size\n"),
    Caching("takes the lab's own caches on paper", curve="""
def lru_curve(trace):
    return [len(trace) - sum(lab.lru(trace, size)) if size else len(trace) for size in range(len(set(trace)) + 1)]
"""),
]  # fmt: skip
ATTEMPTS = [*CROWDS, *RACES, *CURVES, *BORROWED]
