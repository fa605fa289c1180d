from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.errors import ConfigError, DeviceError
from edge.release.privacy import Budget, Ledger
from edge.release.state_io import load_ledger, load_wish, save_ledger, save_wish
from wire.codebook import default_codebook
from wire.messages import Config

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


def test_what_was_released_is_known_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    assert load_ledger(folder).spent == {}
    ledger = Ledger()
    for name in ("cells", "zones"):
        ledger.spend(Budget().channel(name), start=NOON, end=NOON + timedelta(hours=1))
    save_ledger(folder, ledger)
    assert load_ledger(folder).spent == ledger.spent
    assert [path.name for path in folder.iterdir()] == ["released.json"]


def test_a_channel_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.spend(Budget().channel("cells"), start=NOON, end=NOON + timedelta(hours=1))
    save_ledger(tmp_path, ledger)
    file = tmp_path / "released.json"
    content = json.loads(file.read_text())
    content["channels"]["later"] = content["channels"]["cells"]
    file.write_text(json.dumps(content))
    assert load_ledger(tmp_path).spent == ledger.spent


def test_the_hub_s_wish_is_known_after_a_restart(tmp_path: Path) -> None:
    assert load_wish(tmp_path) == Config()
    wish = Config(codebook=default_codebook(), max_rho=0.02)
    save_wish(tmp_path, wish)
    assert load_wish(tmp_path) == wish


@pytest.mark.parametrize(
    ("name", "load"), [("released.json", load_ledger), ("wish.json", load_wish)]
)
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"channels": 7, "max_rho": "x"}'])
def test_a_damaged_file_stops_the_agent_and_names_the_mend(
    tmp_path: Path, name: str, load: object, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name} is damaged; remove it"):
        load(tmp_path)  # type: ignore[operator]


def test_what_the_disk_refuses_is_a_device_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DeviceError, match=r"released\.json"):
        save_ledger(tmp_path / "file", Ledger())
    other = tmp_path / "other"
    other.write_text("precious")
    (tmp_path / "wish.new").symlink_to(other)
    with pytest.raises(DeviceError, match=r"wish\.json"):
        save_wish(tmp_path, Config())
    assert other.read_text() == "precious"
