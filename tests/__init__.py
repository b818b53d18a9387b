"""Tests of backlab: sentences that use the real servers; `make test` runs them."""
