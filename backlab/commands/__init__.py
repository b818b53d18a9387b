"""One file per command of the command line; `backlab.cli.COMMANDS` lists them."""
