"""Grading one submission: a learner's exercise cells, run in a sandbox, judged from outside it.

submission --exercise cells--> sandbox (guest) <--JSON--> judge --> verdicts of the judge  \\
                          \\-> sandbox (nbval)  ---------------> verdicts of nbval         --> report
"""
