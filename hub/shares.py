"""Makes and verifies share links: signed addresses that show one page of the hub, for a time, to people without an account."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sqlalchemy import Connection

from config import durations
from facts import Share
from hub.errors import HubError
from hub.prefix import is_below
from hub.server_key import ServerKey
from reports.dashboards.registry import DASHBOARDS
from reports.periodic.registry import REPORTS
from store import Store, incidents, runs
from store import shares as rows

USUAL_LENGTH = "7d"
KINDS = "a dashboard, a journey, an incident, a report or a run"
_SHORTEST_S, _LONGEST_S = 600, 90 * 86_400
_PURPOSE = "share link"
_COARSELY = timedelta(minutes=10)
_LONGEST_PATH = 500
_LONGEST_NAME = 100
_TOKEN = re.compile(r"([0-9a-f]{16})\.([0-9]{1,12})\.([0-9a-f]{64})")
_ZONE = frozenset({"zone", "tz"})
_DASHBOARD_KEYS, _JOURNEY_KEYS = {"range", "from", "to", "alerts"}, {"range", "status", "location", "page"}
_PAGES: tuple[tuple[re.Pattern[str], frozenset[str]], ...] = (
    (re.compile("|".join(re.escape(one.path) for one in DASHBOARDS.values())), _ZONE | _DASHBOARD_KEYS),
    (re.compile(r"/journeys/[A-Za-z0-9_-]{1,100}"), _ZONE | _JOURNEY_KEYS),
    (re.compile(r"/incidents/inc-[0-9]{1,12}"), _ZONE),
    (re.compile(r"/reports/[a-z]{1,40}"), _ZONE | {"for"}),
    (re.compile(r"/runs/(?!.*\.md$)[A-Za-z0-9_](?:[A-Za-z0-9._:-]{0,198}[A-Za-z0-9_])?"), _ZONE),
)
"""The pages that can be shared, and the keys of the query that belong to the page. Everything else stays closed."""
READER_KEYS = _ZONE | {"part"}
"""What whoever opens a link may choose: the time zone; `part` is how an open dashboard asks for what changed."""


def shareable(path: str, query: Mapping[str, str]) -> str:
    """Return the path under which the page of an address is shared, with the keys that belong to it; "" if it cannot be shared."""
    keys = next((keys for page, keys in _PAGES if page.fullmatch(path)), None)
    if keys is None:
        return ""
    kept = urlencode(sorted((key, value) for key, value in query.items() if key in keys))
    whole = f"{path}?{kept}" if kept else path
    return whole if len(whole) <= _LONGEST_PATH else ""


def read_page(text: str, prefix: str = "") -> str:
    """Return the page that a person names, as a path like `/runs/run-1` or as the address of the page in the browser.

    Raises:
        HubError: 422 it is no page that can be shared.
    """
    if not text.strip().isprintable():
        raise HubError(422, f"path: {text!a:.120} is no address; write it like /runs/ID")
    try:
        parts = urlsplit(text.strip())
        query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20))
    except ValueError:
        raise HubError(422, f"path: {text!a:.120} is no address; write it like /runs/ID") from None
    path = unquote(parts.path)
    if prefix and is_below(path, prefix):
        path = path[len(prefix) :]
    found = shareable(path, query)
    if not found or ((parts.scheme or parts.netloc) and parts.scheme not in ("http", "https")):
        raise HubError(
            422, f"path: {text!a:.120} is no page that can be shared; a link shows {KINDS}, like /executive or /runs/ID"
        )
    return found


def refuse_missing(connection: Connection, page: str, *, journeys: Collection[str]) -> None:
    """Refuse a page that does not exist.

    Raises:
        HubError: 404 there is no such journey, incident, report or run.
    """
    kind, _, name = page.partition("?")[0][1:].partition("/")
    if kind == "journeys" and name not in journeys:
        raise HubError(404, f"no journey {name!r:.80} on the schedule; there are: {', '.join(journeys)}")
    if kind == "reports" and name not in REPORTS:
        raise HubError(404, f"no report {name!r:.60}; there are: {', '.join(REPORTS)}")
    if kind == "incidents" and incidents.get(connection, name) is None:
        raise HubError(404, f"no incident {name!r:.80}; `sixfb alerts incidents --all` lists those there are")
    if kind == "runs" and not runs.exists(connection, name):
        raise HubError(404, f"no run {name!r:.220}; `sixfb runs list` shows the latest")


def read_lifetime(text: object) -> timedelta:
    """Return how long a link is to last; 7 days if nothing is said. Raises HubError 422."""
    if text is None or text == "":
        text = USUAL_LENGTH
    if not isinstance(text, str):
        raise HubError(422, f"for: {text!a:.40} is not a duration; write it like 24h or 7d")
    try:
        length_s = durations.seconds(text, key="for")
    except ValueError as error:
        raise HubError(422, str(error)) from None
    if not _SHORTEST_S <= length_s <= _LONGEST_S:
        raise HubError(
            422,
            f"for: {text!a:.40} is not between 10m and 90d; a link that lasts longer is forgotten while it still opens",
        )
    return timedelta(seconds=length_s)


class Shares:
    """Makes, verifies and revokes share links."""

    def __init__(self, store: Store, key: ServerKey) -> None:
        self._store, self._key = store, key

    def make(self, page: str, *, by: str, lasts: timedelta, now: datetime) -> Share:
        """Store a new link to a page that `read_page` returned, and return it."""
        share = Share(
            id=secrets.token_hex(8),
            path=page,
            key=self._key.fingerprint,
            by=by[:_LONGEST_NAME],
            created_at=now,
            # Whole seconds, because the address says when it ends.
            expires_at=(now + lasts).replace(microsecond=0),
        )
        with self._store.write() as connection:
            rows.add(connection, share)
        return share

    def path_of(self, share: Share) -> str | None:
        """Return the path that opens a link, `/share/...`; None if it was signed with another server key."""
        if share.key != self._key.fingerprint:
            return None
        ends = int(share.expires_at.timestamp())
        return f"/share/{share.id}.{ends}.{self._key.sign(_PURPOSE, _signed_text(share.id, share.path, ends))}"

    def opened(self, token: str, *, now: datetime) -> Share:
        """Return the link of a token that is in force, and record its use to within ten minutes.

        Raises:
            HubError: 404 it is not the hub's, has expired or was revoked; the message does not say which.
        """
        match = _TOKEN.fullmatch(token)
        share_id, ends, signature = match.groups() if match else ("", "0", "")
        with self._store.read() as connection:
            share = rows.find(connection, share_id) if match else None
        path = share.path if share else ""
        # The signature is checked in any case, so that the response time does not reveal which part is wrong.
        is_genuine = self._key.signed(_PURPOSE, _signed_text(share_id, path, int(ends)), signature)
        told = datetime.fromtimestamp(int(ends), UTC) if is_genuine else now
        if share is None or not is_genuine or share.state(now) != "active" or now >= told:
            raise HubError(
                404, "this link does not open a page, or not any more; ask whoever gave it to you for a new one"
            )
        if share.last_opened_at is None or now - share.last_opened_at > _COARSELY:
            with self._store.write() as connection:
                rows.note_opened(connection, share.id, at=now)
        return share

    def listed(self) -> list[Share]:
        """Return the links, the newest first."""
        with self._store.read() as connection:
            return rows.listed(connection)

    def revoke(self, share_id: str, *, by: str, now: datetime) -> None:
        """Revoke a link, at once. Raises HubError 404 if there is none that is not revoked already."""
        with self._store.write() as connection:
            if not rows.revoke(connection, share_id, by=by[:_LONGEST_NAME], at=now):
                raise HubError(
                    404,
                    f"no share link {share_id!r:.40} that could be revoked; `sixfb share list` shows those there are",
                )


def shown_query(share: Share, asked: Mapping[str, str]) -> str:
    """Return the query with which the page of a link is made: that of the link, and of what its reader asks for the time zone alone."""
    kept = dict(parse_qsl(urlsplit(share.path).query, keep_blank_values=True))
    chosen = {key: value for key, value in asked.items() if key in READER_KEYS}
    if "zone" in chosen:
        kept = {key: value for key, value in kept.items() if key not in _ZONE}
    return urlencode(kept | chosen)


def quoted_path(share: Share) -> str:
    """Return the path of the page of a link without its query, as it is written in an address."""
    return quote(urlsplit(share.path).path, safe="/:")


def _signed_text(share_id: str, path: str, ends: int) -> str:
    return "\0".join((share_id, path, str(ends)))
