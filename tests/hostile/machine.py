"""Attempts on the machine: processes, memory, files, signals, floods, and what is left behind."""

from tests.hostile.attempt import Attempt

EMPTY = "\ndef order_page(session, size, before_id=None):\n    return []\n"
ATTEMPTS = [
    Attempt("forks without end", "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"),
    Attempt("takes all memory", "HOG = []\nwhile True:\n    HOG.append(bytearray(b'x') * (64 << 20))\n"),
    Attempt("loops for ever", "def order_page(session, size, before_id=None):\n    while True:\n        pass\n"),
    Attempt("loops for ever with every signal blocked", """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
def order_page(session, size, before_id=None):
    while True:
        pass
"""),
    Attempt("ends its process at once", "import os\nos._exit(0)\n"),
    Attempt("dies by a signal", "import os\ndef order_page(*a):\n    os.kill(os.getpid(), 11)\n"),
    Attempt("floods its output", "import sys\nfor i in range(2000):\n    sys.stdout.write('x' * 100000)\n" + EMPTY),
    Attempt("floods the judge with an answer of 100 MB", "def order_page(*a):\n    return ['x' * 1000] * 100\n" + """
import json
json.dumps = lambda value, **k: '"' + 'x' * (100 << 20) + '"'
"""),
    Attempt("answers one byte a second", """
import json, time, socket
class Slow(str):
    def encode(self, *a):
        time.sleep(60)
        return b''
json.dumps = lambda value, **k: Slow()
""" + EMPTY),
    Attempt("writes a huge file", "f = open('/tmp/huge', 'wb')\nfor _ in range(200):\n    f.write(b'x' * (1 << 20)); f.flush()\n" + EMPTY),
    Attempt("fills its memory disk with small files", """
try:
    for i in range(100000):
        open(f'/dev/shm/{i}', 'wb').write(b'x' * 4096)
except OSError:
    pass
""" + EMPTY),
    Attempt("leaves a symbolic link out of the sandbox and writes through it", """
import os
os.symlink('/proc/1/root/etc', '/tmp/link')
try:
    open('/tmp/link/backlab-was-here', 'w').write('x')
except OSError:
    pass
""" + EMPTY),
    Attempt("writes into the house and the environment", """
import os, sys, backlab
for place in (os.path.dirname(backlab.__file__), sys.prefix, '/usr', '/etc', '/'):
    try:
        open(os.path.join(place, 'backlab-was-here'), 'w').write('x')
        raise SystemError('written ' + place)
    except OSError:
        pass
""" + EMPTY),
    Attempt("leaves a daemon behind that ignores the end", """
import os, signal, time
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
    os._exit(0)
""" + EMPTY),
    Attempt("leaves threads and atexit handlers behind", """
import atexit, threading, time
atexit.register(lambda: time.sleep(600))
threading.Thread(target=lambda: time.sleep(600)).start()
""" + EMPTY),
    Attempt("makes a user namespace and mounts over the house", """
import ctypes, os
ctypes.CDLL(None).unshare(0x10000000 | 0x20000)
ctypes.CDLL(None).mount(b'tmpfs', b'/usr', b'tmpfs', 0, None)
""" + EMPTY),
]  # fmt: skip
