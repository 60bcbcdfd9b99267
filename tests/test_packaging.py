"""What pip installs includes every file that the packages need."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("configs", "tdm", "duplex", "runtime", "demos")


def list_tracked() -> set[str]:
    """Files of the packages that git tracks, or all files in their folders where there is no git."""
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    files = (path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


def test_a_wheel_holds_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks setuptools which files it would put into a wheel, without building one."""
    pytest.importorskip("setuptools", minversion="77", reason="a setuptools that reads this pyproject is needed")
    from setuptools import Distribution

    monkeypatch.chdir(ROOT)
    distribution = Distribution({"script_name": "setup.py"})
    distribution.parse_config_files()
    build = distribution.get_command_obj("build_py")
    build.build_lib, build.editable_mode = str(tmp_path), False
    build.ensure_finalized()
    modules = {Path(path).as_posix() for *_, path in build.find_all_modules()}
    data = {(Path(source) / name).as_posix() for _, source, _, names in build.data_files for name in names}
    packed = modules | data
    missing = list_tracked() - packed
    assert not missing
