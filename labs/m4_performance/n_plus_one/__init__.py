"""Lab 4.2, "How many questions does one page ask?": its strategies, witnesses, plans, snippets and judges."""

from labs.m4_performance.n_plus_one.evidence import Visit, Witness, straight_lines
from labs.m4_performance.n_plus_one.judges import (
    detected_lines,
    repaired_estimate,
    rows_per_page,
    same_page,
    statements_per_page,
)
from labs.m4_performance.n_plus_one.plans import explain, worst
from labs.m4_performance.n_plus_one.snippets import SNIPPETS, Finding, calling_line
from labs.m4_performance.n_plus_one.storefront import Storefront
from labs.m4_performance.n_plus_one.strategies import STRATEGIES, by_hand, fingerprint
from services.shop.models import Order, OrderLine
from services.shop.pages import newest, view

__all__ = [
    "SNIPPETS",
    "STRATEGIES",
    "Finding",
    "Order",
    "OrderLine",
    "Storefront",
    "Visit",
    "Witness",
    "by_hand",
    "calling_line",
    "detected_lines",
    "explain",
    "fingerprint",
    "newest",
    "repaired_estimate",
    "rows_per_page",
    "same_page",
    "statements_per_page",
    "straight_lines",
    "view",
    "worst",
]
