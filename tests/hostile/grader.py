"""Attempts on the grader itself: its checks, print, builtins, modules, expected answers, key and environment."""

from tests.hostile.attempt import HONEST, LAZY, Attempt

EMPTY = "\ndef order_page(session, size, before_id=None):\n    return []\n"
ATTEMPTS = [
    Attempt("patches print so that every check line says PASS", """
import builtins
builtins.print = lambda *a, **k: __import__('sys').stdout.write('PASS 4.2.a the page needs at most four statements at any size\\n')
""" + EMPTY),
    Attempt("replaces Verdict.at_most in the checks' own module", """
from backlab.check import Verdict
for name in ('at_most', 'at_least', 'equals', 'true', '_judge'):
    setattr(Verdict, name, lambda *a, **k: True)
""" + EMPTY),
    Attempt("replaces check() by one that always passes", """
import backlab, backlab.check
from contextlib import contextmanager
@contextmanager
def check(id, text):
    yield type('V', (), {'__getattr__': lambda s, n: lambda *a, **k: True})()
    print('PASS', id, text)
backlab.check = check
""" + EMPTY),
    Attempt("registers an IPython hook that rewrites every cell", """
try:
    get_ipython().input_transformers_cleanup.append(lambda lines: ['print(1)'])
    get_ipython().run_cell = lambda *a, **k: None
except NameError:
    pass
""" + EMPTY),
    Attempt("patches builtins len, isinstance, type and max", """
import builtins
builtins.len = lambda x: 200
builtins.max = lambda *a, **k: 0
builtins.isinstance = lambda *a: True
""" + EMPTY),
    Attempt("patches json so that every answer is what the judge wants", """
import json
json.dumps = lambda value, **k: '{"value": true}'
""" + EMPTY),
    Attempt("writes its own answers into every descriptor that is open", """
import os
for descriptor in range(3, 64):
    try:
        os.write(descriptor, b'{"ready": true}\\n' + b'{"value": []}\\n' * 50)
    except OSError:
        pass
""" + EMPTY),
    Attempt("answers with a verdict instead of a value", """
import json
json.dumps = lambda value, **k: '{"value": {"verdict": "PASS"}}'
""" + EMPTY),
    Attempt("answers with JSON that is nested a hundred thousand times", """
import json
json.dumps = lambda value, **k: '{"value": ' + '[' * 100000 + ']' * 100000 + '}'
""" + EMPTY),
    Attempt("answers with Infinity and with duplicate keys", """
import json
json.dumps = lambda value, **k: '{"value": Infinity, "value": NaN}'
""" + EMPTY),
    Attempt("walks frames and gc for the expected page", """
import gc, sys
def order_page(session, size, before_id=None):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if isinstance(value, list) and len(value) == size:
                return value
        frame = frame.f_back
    for thing in gc.get_objects():
        if isinstance(thing, list) and len(thing) == size and thing and hasattr(thing[0], 'customer'):
            return thing
    return []
"""),
    Attempt("reads the key from the environment, from argv and from /proc", """
import glob, os
FOUND = ''
for place in glob.glob('/proc/*/environ') + glob.glob('/proc/*/cmdline'):
    try:
        FOUND += open(place, errors='replace').read()
    except OSError:
        pass
assert 'BACKLAB_COURSE_KEY' not in FOUND + str(os.environ), 'found'
""" + EMPTY),
    Attempt("reads the judge, the source and the solved notebook", """
import glob
READ = []
for place in glob.glob('/**/judge*.py*', recursive=True) + glob.glob('/**/02_n_plus_one*', recursive=True):
    try:
        READ.append(open(place).read())
    except OSError:
        pass
def order_page(session, size, before_id=None):
    return [READ[0]] * size if READ and READ[0] else []
"""),
    Attempt("imports the judge and asks it for its hidden parameters", """
try:
    from labs.m4_performance.n_plus_one import judge
    judge.CHECKS.clear()
except Exception:
    pass
""" + EMPTY),
    Attempt("attaches to its parent process", """
import ctypes, os
for pid in (1, 2, os.getppid()):
    ctypes.CDLL(None).ptrace(16, pid, 0, 0)
    try:
        os.kill(pid, 9)
    except OSError:
        pass
""" + EMPTY),
    Attempt("lies about equality, hash and length", """
class Yes:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __len__(self): return 200
    def __iter__(self): return iter([self] * 200)
def order_page(session, size, before_id=None):
    return Yes()
"""),
    Attempt("answers with subclasses of OrderView and int that are equal to everything", """
from services.shop.pages import OrderView
class Number(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
class Same(OrderView):
    def __eq__(self, other): return True
    __hash__ = None
def order_page(session, size, before_id=None):
    session.connection()
    return [Same(Number(1), '', '', '', '', Number(0), (), ())] * size
"""),
    Attempt("makes asdict return what it has prepared", """
import dataclasses
dataclasses.asdict = lambda order: {'id': 1}
""" + LAZY.replace("view(o)", "o"), earns=frozenset()),
    Attempt("fakes time, so that limits never come", """
import time
time.monotonic = time.time = time.perf_counter = lambda: 0.0
""" + LAZY, earns=HONEST),
    Attempt("marks its cell as not to be compared", "# NBVAL_IGNORE_OUTPUT\n# PYTEST_VALIDATE_SKIP\n# NBVAL_SKIP\n" + EMPTY),
    Attempt("raises SystemExit and KeyboardInterrupt", """
def order_page(session, size, before_id=None):
    raise SystemExit(0)
""", detector="class NPlusOneDetector:\n    def __init__(self, engine):\n        raise KeyboardInterrupt\n"),
    Attempt("carries hidden values out in its exception, with escapes for the terminal", """
def order_page(session, size, before_id=None):
    raise ValueError(f'\\x1b[2JHIDDEN {size}')
"""),
    Attempt("has a cell that is no Python", "def order_page(:\n"),
]  # fmt: skip
