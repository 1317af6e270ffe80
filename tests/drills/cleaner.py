"""A cleaner that makes one sweep: `python -m tests.drills.cleaner LEDGER STRIPE KEY [FAILPOINT]`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from journeys.checkout_session import StripeAccess
from runner.ledger.cleaner import Cleaner
from runner.ledger.ledger import Ledger
from runner.ledger.undo import StripeDesk
from tests.drills.dying import dies_at


def main() -> None:
    file, stripe, key, *failing = sys.argv[1:]
    desk = StripeDesk(StripeAccess(key, stripe))
    at = dies_at(failing[0] if failing else None)
    Cleaner(ledger=Ledger(Path(file)), desk=desk, at=at, lease=timedelta(0)).sweep()


if __name__ == "__main__":
    main()
