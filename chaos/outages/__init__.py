"""Faults that are not on the wire: a dead or frozen server, a held lock, a full disk, a wrong clock."""
