"""Carry a learner's work into a new version of a lab's notebook.

reading.py   the file, also with merge markers in it or cut off      -> sides, each a list of cells
work.py      exercise cells, guesses, cells of the learner's own     -> Work
update.py    fresh notebook + Work -> written; the old file is kept under a name with date
"""
