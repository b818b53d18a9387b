"""Every schedule of short step lists, counted, instead of a race that may or may not be won."""
