"""Defines a journey: its name, its steps, its limits, and the function that walks it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from config import Complaint
from journeys.site import Site, missing

if TYPE_CHECKING:
    from journeys.placed_order import PlacedOrder
    from journeys.visit import Visit


KEYS = tuple(key.name for key in fields(Site))
"""The keys of `site.yaml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A scripted path of a buyer.

    `steps` are all its steps in order. `slow_after_s` only marks a run as slow; `deadline_s` ends it,
    and `step_s` is what one step may take. `file` is where it is
    written, `guide_name` what the monitoring guide calls it. `requests` is what one run costs of the request budget at
    most, None where nobody has counted; it is believed until a run was counted. `needs` are the keys of `site.yaml` without which
    it cannot be walked.

    `buys` is false where no run of it places an order. `announces_orders`: it calls `visit.order()` before each checkout, as the
    ticket shop's pages do, so that a run that did not has opened none. `undo` undoes one order that the journey told with
    `visit.bought()`; None: nobody does.
    """

    name: str
    title: str
    steps: tuple[str, ...]
    slow_after_s: float
    deadline_s: float
    step_s: float
    walk: Callable[[Visit], None]
    file: str
    guide_name: str | None = None
    requests: int | None = None
    needs: tuple[str, ...] = ()
    buys: bool = True
    announces_orders: bool = False
    undo: Callable[[PlacedOrder], object] | None = None

    def lacks(self, site: Site) -> list[Complaint]:
        """Return a complaint for each key of `site.yaml` that the journey needs and the site lacks."""
        return [missing(key, f"the journey {self.name} needs it") for key in self.needs if not getattr(site, key)]


def journey(
    *,
    title: str,
    steps: tuple[str, ...],
    slow_after_s: float = 30,
    deadline_s: float = 45,
    step_s: float = 15,
    guide_name: str | None = None,
    requests: int | None = None,
    needs: tuple[str, ...] = (),
    buys: bool = True,
    announces_orders: bool = False,
    undo: Callable[[PlacedOrder], object] | None = None,
) -> Callable[[Callable[[Visit], None]], Journey]:
    """Make a function of one visit a journey; the function's name is the journey's.

    Raises:
        ValueError: no steps, a step twice, a deadline that the slow mark exceeds, a key in `needs` that `site.yaml` does not know,
            or an `undo` that cannot be called or has nothing to undo.
    """
    if not steps or len(set(steps)) != len(steps):
        raise ValueError("a journey needs steps, each with a name of its own")
    if not 0 < slow_after_s <= deadline_s:
        raise ValueError(f"slow_after_s ({slow_after_s:g}) has to lie between 0 and deadline_s ({deadline_s:g})")
    unknown = [key for key in needs if key not in KEYS]
    if unknown:
        raise ValueError(f"needs: site.yaml knows no key {unknown[0]!r}; it knows {', '.join(KEYS)}")
    if undo is not None and not callable(undo):
        raise ValueError(f"undo ({undo!r:.80}) has to be a function of one placed order: undo=cancel_order")
    if undo is not None and not buys:
        raise ValueError(
            "buys=False says that nothing is ever ordered, and undo= that it is undone: leave one of them out"
        )

    def make(walk: Callable[[Visit], None]) -> Journey:
        return Journey(
            name=walk.__name__,
            title=title,
            steps=steps,
            slow_after_s=slow_after_s,
            deadline_s=deadline_s,
            step_s=step_s,
            walk=walk,
            file=inspect.getsourcefile(walk) or "",
            guide_name=guide_name,
            requests=requests,
            needs=needs,
            buys=buys,
            announces_orders=announces_orders,
            undo=undo,
        )

    return make
