"""An open-loop load generator: each request starts when it is due, however slow the answers are.

    arrivals.py  when each request is due        ─┐
    target.py    what to send, and where         ─┴▶ run.py ──connection.py──▶ server
    journal.py   what became of each       report.py  the figures       verdict.py  can they be trusted?

A closed loop (users who wait for an answer) sends less while the server is slow and so hides it. Here latency
counts from the intended start: a request that had to wait for a free connection says so in its latency.
"""
