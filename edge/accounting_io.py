"""What `aisle-edge privacy` does: reads the store's file and what was released, opens no device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.parts_io import budget_of, read_config
from edge.release import account, state_io


def accounting(path: Path) -> tuple[dict[str, Any], str]:
    """Give what a visit costs and what was released, and whose it is.

    Raises:
        ConfigError: the configuration, or a file of the data folder, is wrong.
        PrivacyError: the channels would exceed the budget.
    """
    config = read_config(path)
    wish = state_io.load_wish(config.data_dir)
    budget = budget_of(config)
    if wish.max_rho is not None:
        budget = budget.tightened(wish.max_rho)
    told = account.account(
        budget,
        ledger=state_io.load_ledger(config.data_dir),
        configured_rho=config.privacy.rho,
        hub_rho=wish.max_rho,
        groups=config.privacy.groups,
    )
    whose = {"store": config.store, "agent": config.agent, "plan": config.plan.version}
    return whose | told, " ".join(f"{what} {name}" for what, name in whose.items())
