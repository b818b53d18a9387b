"""The sandbox: a submission's code runs in it, shut off from this machine, and is called down one line.

Nursery (has imported everything) --fork--> guest in a sandbox <--JSON--> Caller
"""
