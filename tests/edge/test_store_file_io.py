from __future__ import annotations

from pathlib import Path

from edge.store_file_io import replace_text


def test_a_file_is_replaced_and_the_old_one_kept_with_its_rights(tmp_path: Path) -> None:
    path = tmp_path / "store.toml"
    path.write_text("old")
    path.chmod(0o640)
    path.with_name("store.toml.bak").write_text("older")  # open to all, by accident
    assert replace_text(path, "n\u00e9w\n").read_text() == "old"
    assert path.read_bytes() == "n\u00e9w\n".encode()
    assert {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {
        "store.toml": 0o640,
        "store.toml.bak": 0o640,
    }


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "store.toml", tmp_path / "link.toml"
    path.write_text("old")
    link.symlink_to(path)
    replace_text(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"


def test_a_backup_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "store.toml", tmp_path / "shadow"
    path.write_text("old")
    other.write_text("root")
    path.with_name("store.toml.bak").symlink_to(other)
    backup = replace_text(path, "new")
    assert other.read_text() == "root"
    assert backup.read_text() == "old"
    assert not backup.is_symlink()
