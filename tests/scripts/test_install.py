"""The set-up's own decisions; `make test` shows that it installs."""

import sys
from pathlib import Path

import pytest

from scripts import install
from scripts.install import Environment, InstallError, has_own_index, run


class Recorded(Environment):
    """An environment in which nothing runs; `fails` is the output of a program that fails."""

    def __init__(self, folder: Path, fails: dict[str, str] | None = None, settings: str = "") -> None:
        super().__init__(folder)
        self.calls: list[str] = []
        self._fails = fails or {}
        self._settings = settings

    def pip(self, arguments: object) -> str:
        self.calls.append("pip")
        return self._fails.get("pip", "")

    def uv(self, arguments: object) -> str:
        self.calls.append("uv")
        return self._fails.get("uv", "")

    def _has_own_index(self) -> bool:
        return has_own_index(self._settings)


def test_uv_installs_a_lock(tmp_path: Path) -> None:
    environment = Recorded(tmp_path)
    environment.add_lock(Path("demo.txt"))
    assert environment.calls == ["uv"]


def test_pip_installs_where_uv_cannot(tmp_path: Path) -> None:
    environment = Recorded(tmp_path, {"uv": "No module named uv"})
    environment.add_lock(Path("demo.txt"))
    assert environment.calls == ["uv", "pip"]


def test_pip_installs_where_it_has_an_index_that_uv_does_not_know(tmp_path: Path) -> None:
    environment = Recorded(tmp_path, settings="global.index-url='https://mirror.example/simple'")
    environment.add_lock(Path("demo.txt"))
    assert environment.calls == ["pip"]


def test_further_indexes_do_not_replace_pypi() -> None:
    assert has_own_index(":env:.index-url='https://mirror.example/simple'")
    assert not has_own_index("global.extra-index-url='https://more.example/simple'\nglobal.find-links='/wheels'\n")


def test_a_package_that_cannot_be_had_is_told_in_one_line(tmp_path: Path) -> None:
    environment = Recorded(tmp_path, {"uv": "no", "pip": "ERROR: No matching distribution found for soxr==1.1.0"})
    with pytest.raises(InstallError, match=r"^the packages of demo\.txt cannot be installed: ERROR: No matching.*soxr"):
        environment.add_lock(Path("demo.txt"))


def test_the_version_of_torch_is_read_from_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "LOCKS", tmp_path)
    (tmp_path / "torch.txt").write_text("# torch==1.0\ntorch==2.13.0\n")
    assert install.find_locked_torch() == "2.13.0"
    (tmp_path / "torch.txt").write_text("torch>=2\n")
    with pytest.raises(InstallError, match="names no version"):
        install.find_locked_torch()


def test_a_program_is_quiet_unless_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([sys.executable, "-c", "print('a warning')"]) == ""
    assert run([sys.executable, "-c", "import sys; sys.exit('the reason')"]) == "the reason"
    assert run([sys.executable, "-c", "import sys; sys.exit(3)"]) == "exit status 3"
    assert "No such file" in run(["./no-such-program"])
    assert capfd.readouterr() == ("", "")
