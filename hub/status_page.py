"""Publishes the public status page: loads what it may show, and writes its files into a folder that a web server serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from alerts.windows import Maintenance
from config.files import UnreadableFileError, must_be_a_file
from hub.kept_verdicts import read_verdicts
from hub.watched import Watched
from journeys.site import StatusPage
from reports.charts import DayCell
from reports.day_counts import day_counts
from reports.pages import write
from reports.status import (
    DAYS,
    LOGO_TYPES,
    Component,
    ComponentState,
    Look,
    PublicMaintenance,
    StatusSummary,
    incidents_of,
    state_of,
    status_files,
)
from reports.words import journey_title
from store import Store, rollups
from store import alerts as alert_rows

LARGEST_LOGO = 256 * 1024
"""In bytes; the logo is part of the page."""
_JUDGED_WITHIN = timedelta(minutes=5)
_DAY_S = 86_400
_MOST_ALERTS = 5000
_ANNOUNCED = timedelta(days=7)


class StatusPageError(Exception):
    """The page cannot be published; the message says what to do."""


def load_summary(
    store: Store, watched: Watched, now: datetime, *, maintenance: Sequence[Maintenance] = ()
) -> StatusSummary:
    """Return what the public may know now: the journeys of the schedule, their last 90 days, and the incidents of these days.

    `maintenance` are the windows of alerts.yaml. Those for some locations only concern the monitor and no visitor, and are left out.
    """
    said = watched.site.status_page
    given = said.components if said is not None else {}
    names = {journey: given.get(journey) or journey_title(journey) for journey in watched.schedules()}
    today = now.date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    with store.read() as connection:
        counts = day_counts(rollups.read(connection, width_s=_DAY_S, since=since, brief=True))
        lately = alert_rows.of_period(connection, since=since, until=now + timedelta(seconds=1), limit=_MOST_ALERTS)
        judged_at, verdicts = read_verdicts(connection)
    planned = _planned([window for window in maintenance if not window.locations], names, now)
    resting = {name for one in planned if one.starts_at <= now for name in one.names}
    components = tuple(
        Component(
            id=journey,
            name=name,
            # In maintenance nothing is tried, so nothing else is known of it.
            state=ComponentState.MAINTENANCE
            if name in resting
            else state_of(journey, lately, verdicts, judged_at=judged_at, stale_before=now - _JUDGED_WITHIN),
            days=tuple(DayCell(day=day, n=counts[journey, day][0], bad=counts[journey, day][1]) for day in days),
        )
        for journey, name in names.items()
    )
    return StatusSummary(at=now, components=components, incidents=incidents_of(lately, names), maintenance=planned)


def _planned(windows: Sequence[Maintenance], names: Mapping[str, str], now: datetime) -> tuple[PublicMaintenance, ...]:
    """Return the maintenance that is under way or begins within a week, the soonest first."""
    found = []
    for window in windows:
        covered = tuple(name for journey, name in names.items() if not window.journeys or journey in window.journeys)
        times = [times] if (times := window.active(now)) else []
        for starts, ends in [*times, *window.between(now, now + _ANNOUNCED)] if covered else ():
            found.append(PublicMaintenance(names=covered, starts_at=starts, ends_at=ends, reason=window.reason))
    return tuple(sorted(found, key=lambda one: (one.starts_at, one.ends_at)))


def look_of(settings: StatusPage, *, title: str | None = None) -> Look:
    """Return how the page looks by `status_page` of site.yaml; `title` takes the place of its title.

    Raises:
        StatusPageError: the logo cannot be read, is too large, or is no picture.
    """
    return Look(
        title=title or settings.title,
        accent=settings.accent,
        logo=_logo(Path(settings.logo)) if settings.logo else None,
        home=settings.home,
        url=settings.url,
    )


def _logo(file: Path) -> tuple[str, bytes]:
    media = LOGO_TYPES.get(file.suffix.lower())
    if media is None:
        raise StatusPageError(f"status_page.logo: {file} is no picture; it may be one of {', '.join(LOGO_TYPES)}")
    try:
        must_be_a_file(file)
        with file.open("rb") as opened:
            content = opened.read(LARGEST_LOGO + 1)
    except UnreadableFileError as error:
        raise StatusPageError(f"status_page.logo: {file}: {error.what}") from None
    except OSError as error:
        raise StatusPageError(f"status_page.logo: {file} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_LOGO:
        raise StatusPageError(f"status_page.logo: {file} has more than {LARGEST_LOGO // 1024} KiB; make it smaller")
    return media, content


def publish(summary: StatusSummary, look: Look, folder: Path) -> int:
    """Write the files of the page into a folder, each at once, and return how many; what else lies there stays as it is.

    Raises:
        StatusPageError: the folder cannot be created or written.
    """
    files = status_files(summary, look)
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            # A web server of another user has to read it, whatever the umask of the hub.
            folder.chmod(0o755)
        for name, content in files.items():
            write(folder / name, content)
    except OSError as error:
        raise StatusPageError(
            f"the status page cannot be written to {folder}: {error.strerror}; name a folder that this user may write"
        ) from None
    return len(files)
