"""How far consumer groups are behind, seen from outside them: monitor, recorder, and groups to look at.

paced.py    a producer and a consumer with a pace, as processes: something to look at
monitor.py  AdminClient ──▶ one Sample per group
age.py      samples ──▶ seconds, by partition
watch.py    the monitor as a process: /metrics for Prometheus, and a recording line by line
servers.py  all of these as servers of the bench: start, kill, pause
"""
