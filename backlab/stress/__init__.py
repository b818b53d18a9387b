"""Experiments of Chaos Toolkit, load by Locust and on schedule, servers watched: all from outside."""
