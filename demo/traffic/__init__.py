"""Simulated visitors and buyers of the demo shop: the same seed makes the same history, and the same traffic while the demo runs."""

from demo.traffic.generator import ORDERS_PER_DAY, Generator, Records, Sale
from demo.traffic.history import HISTORY, MARK, PastRuns, save_history, seats_of
from demo.traffic.live import Feed, Market
from demo.traffic.orders import SHOP_NUMBER, TEXT_CENTS
from demo.traffic.outages import AlertingRule

__all__ = [
    "HISTORY",
    "MARK",
    "ORDERS_PER_DAY",
    "SHOP_NUMBER",
    "TEXT_CENTS",
    "AlertingRule",
    "Feed",
    "Generator",
    "Market",
    "PastRuns",
    "Records",
    "Sale",
    "save_history",
    "seats_of",
]
