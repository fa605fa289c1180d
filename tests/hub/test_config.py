from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from hub.config import Broker, HubConfig, parse_config, read_config, read_password
from hub.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("database = ", "hub.toml"),
        ("databas = 'x'", "databas"),
        ("[broker]\nport = 70000", "broker.port"),
        ("[broker]\npassword = 'secret'", "password"),
        ("[batching]\nmessages = 0", "batching.messages"),
    ],
)
def test_errors_name_path_and_key(text: str, word: str) -> None:
    with pytest.raises(ConfigError, match=r"hub\.toml") as raised:
        parse_config(text, path="hub.toml")
    assert word in str(raised.value)


def test_no_file_gives_the_defaults() -> None:
    assert read_config(None) == HubConfig()


def test_the_example_fits_the_service_that_reads_it() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    config = read_config(deploy / "examples" / "hub.toml")
    assert config.broker.tls
    unit = configparser.ConfigParser(strict=False, delimiters=("=",), interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment] - systemd minds the case
    unit.read(deploy / "systemd" / "aisle-hub.service")
    service = unit["Service"]
    # all else is read-only to it (ProtectSystem=strict)
    assert Path(config.database).parent == Path("/var/lib") / service["StateDirectory"]
    assert service["ExecStart"].endswith("--config /etc/aislewise/hub.toml")
    assert service["RestartPreventExitStatus"] == "2"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml"):
        read_config(tmp_path / "gone.toml")


def test_the_password_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("hush\n")
    assert read_password(Broker(password_file=str(path))) == "hush"
    assert read_password(Broker()) is None
    path.write_text("")
    with pytest.raises(ConfigError, match="empty"):
        read_password(Broker(password_file=str(path)))
