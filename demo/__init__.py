"""A ticket shop with a stand-in Stripe and a box of faults: what the monitor watches when nothing else is at hand."""

from demo.faults import FAULTS, TRAFFIC_FAULTS, Faults, UnknownFaultError
from demo.serve import Demo, DemoSettings, Place, Served, a_socket, serve_demo

__all__ = [
    "FAULTS",
    "TRAFFIC_FAULTS",
    "Demo",
    "DemoSettings",
    "Faults",
    "Place",
    "Served",
    "UnknownFaultError",
    "a_socket",
    "serve_demo",
]
