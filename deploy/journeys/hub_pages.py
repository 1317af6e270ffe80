"""A person opens every page of a hub: sixfb watches its own dashboard.

`SIXFB_JOURNEYS=deploy/journeys sixfb run hub_pages --site http://127.0.0.1:8600` walks it once. Largest contentful paint, layout shift
and the other vitals of each page are in the run's record.
"""

from sixfb import SiteBroken, Visit, journey

MOST_BYTES = 150_000
"""The most that a page may send with its styles and scripts, in bytes on the wire. Evidence of runs is not on these pages."""
MOST_SHIFT = 0.01
"""The largest layout shift that a page may have while it loads and once it is there."""
PAGES = {
    "overview": "/",
    "executive": "/executive",
    "operations": "/operations",
    "business": "/business",
    "alerts": "/alerts",
    "incidents": "/incidents",
    "targets": "/sla",
    "reports": "/reports",
    "jobs": "/jobs",
}
"""The path of the page that each step opens."""
_SENT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, one) => sum + one.transferSize, 0)"""
_SHIFTED = """() => new Promise((tell) => {
    let sum = 0;
    new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
        .observe({type: "layout-shift", buffered: true});
    setTimeout(() => tell(sum), 300);
})"""


@journey(
    title="A person opens every page of the hub",
    steps=tuple(PAGES),
    slow_after_s=20,
    deadline_s=60,
    requests=60,
)
def hub_pages(visit: Visit) -> None:
    """Open each page, and see that it is there, light and still."""
    for step, path in PAGES.items():
        with visit.step(step):
            visit.go(visit.site.url(path))
            visit.see(visit.page.get_by_role("heading", level=1))
            sent, shifted = visit.page.evaluate(_SENT), visit.page.evaluate(_SHIFTED)
            visit.note(f"{path}: {sent:,} bytes on the wire, layout shift {shifted:.4f}.")
            if sent > MOST_BYTES:
                raise SiteBroken(f"{path} sent {sent:,} bytes, and at most {MOST_BYTES:,} are wanted")
            if shifted > MOST_SHIFT:
                raise SiteBroken(f"{path} shifted by {shifted:.4f}, and at most {MOST_SHIFT} is wanted")
