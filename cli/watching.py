"""What the hub's commands need: what is watched, the targets, the routes, and the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli import settings
from cli.failing import Failing, without_store
from config import read_document

if TYPE_CHECKING:
    from alerts.routes import Routing
    from hub.watched import Watched
    from sla.targets import Targets
    from store import Store


def read_watched() -> Watched:
    """`site.yaml` and `locations.yaml`, with the journeys' names resolved. Raises ConfigError, Failing."""
    from hub.watched import Watched
    from journeys.registry import JourneyError, load_journeys

    try:
        known = load_journeys()
    except JourneyError as error:
        raise Failing(str(error)) from None
    names = {other: journey.name for journey in known.values() for other in (journey.name, journey.guide_name) if other}
    return Watched(site=settings.read_site([]), locations=settings.read_locations(), journeys=names)


def read_targets(file: Path | None = None) -> Targets:
    """`sla.yaml`, and the shipped one for the rules that it does not name. Raises ConfigError."""
    from sla.targets import targets_from

    shipped = settings.shipped_file("sla.yaml")
    document = read_document(file or settings.config_file("sla.yaml"))
    return targets_from(document, shipped=read_document(shipped) if shipped else None)


def shipped_rules() -> tuple[str, ...]:
    """The rules that `sla.yaml` does not name, which are therefore the shipped ones. Raises ConfigError."""
    from sla.targets import left_out

    return left_out(read_document(settings.config_file("sla.yaml")))


def shipped_rules_line() -> str | None:
    """The sentence about them; None where `sla.yaml` names every rule. Raises ConfigError."""
    names = shipped_rules()
    return f"not in {settings.config_file('sla.yaml')}, and so as shipped: {', '.join(names)}" if names else None


def read_routing() -> Routing:
    """`alerts.yaml`. Raises ConfigError."""
    from alerts.routes import routing_from

    return routing_from(read_document(settings.config_file("alerts.yaml")))


def hub_folder() -> Path:
    """Where the hub keeps its database and evidence."""
    return settings.var_folder() / "hub"


def open_database(folder: Path | None = None) -> Store:
    """The hub's database: `DATABASE_URL`, else SQLite in the hub's folder. Raises Failing."""
    from store import StoreError, open_store

    try:
        return open_store(settings.database_url(), folder=folder or hub_folder())
    except StoreError as error:
        raise without_store(error) from None


def existing_database() -> Store:
    """The database of a hub that has run here; reading commands make none. Raises Failing."""
    if not settings.database_url() and not (hub_folder() / "sixfb.db").is_file():
        demo = settings.var_folder() / "demo" / "hub"
        if not (demo / "sixfb.db").is_file():
            raise Failing(
                f"no hub has run here: there is no {hub_folder() / 'sixfb.db'}; start `sixfb hub`, or set DATABASE_URL"
            )
        return open_database(demo)
    return open_database()
