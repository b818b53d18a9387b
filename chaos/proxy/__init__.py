"""A TCP proxy that counts the wire and carries faults, with Toxiproxy's HTTP API: `python -m chaos.proxy`.

link.py      a connection and its way to the server (pipe.py: one direction of it)
proxies.py   which ports listen, which faults are active (toxics.py), until when (leases)
api.py       what may be asked over HTTP (http.py)
"""
