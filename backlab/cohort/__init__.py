"""A cohort: many submissions, graded by desks here or elsewhere, kept as they come, told on one page."""
