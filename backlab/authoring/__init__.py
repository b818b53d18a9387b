"""From one source to two notebooks, run, reviewed and proven: what `build`, `run`, `prove` and `new` do."""
