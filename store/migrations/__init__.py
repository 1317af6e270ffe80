"""Migrates an empty or older database to this version's tables with Alembic, run from code."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from store.errors import StoreError
from store.tables import metadata


def upgrade(connection: Connection) -> None:
    """Run the missing migrations inside the caller's transaction. Raises StoreError if the database is newer than this program."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    head = scripts.get_current_head()
    _refuse_newer(connection, scripts)

    def steps(revision: object, _context: object) -> list[RevisionStep]:
        return scripts._upgrade_revs(head, revision)  # type: ignore[arg-type]

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        environment.run_migrations()


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    if not inspect(connection).has_table("alembic_version"):
        return
    current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    try:
        scripts.get_revision(current)
    except CommandError:
        raise StoreError(
            f"the database is at version {current}, which this program does not know: it is newer; install that version"
        ) from None
