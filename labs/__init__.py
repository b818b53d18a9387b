"""The labs; those of a course that lies elsewhere (BACKLAB_LABS) are found beside them."""

import os

if os.environ.get("BACKLAB_LABS"):
    __path__.append(os.environ["BACKLAB_LABS"])
