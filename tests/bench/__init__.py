"""`make bench`: our figures beside an anchor's, measured on the same machine in the same run."""
