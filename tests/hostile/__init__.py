"""Hostile submissions: what a learner might try instead of learning, and the tests that it earns nothing."""
