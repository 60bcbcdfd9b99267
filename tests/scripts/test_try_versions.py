"""What `make test-oldest` and `make test-newest` ask for."""

import pytest

from scripts.lock import load_project
from scripts.try_versions import list_wanted, without_upper_bound


@pytest.mark.parametrize(
    ("line", "loose"),
    [
        ("transformers>=5.0,<5.24", "transformers>=5.0"),
        ("ruff==0.17.5", "ruff"),
        ("numpy>=2.0,!=2.1.0,<3", "numpy!=2.1.0,>=2.0"),
        ("uvicorn[standard]~=0.34 ; sys_platform != 'win32'", 'uvicorn[standard]; sys_platform != "win32"'),
    ],
)
def test_the_newest_knows_no_upper_bound(line: str, loose: str) -> None:
    assert without_upper_bound(line) == loose


def test_the_oldest_keeps_every_bound_and_has_the_tests_and_the_build() -> None:
    project = load_project()
    wanted = list(list_wanted(project, "oldest"))
    assert set(project["project"]["dependencies"]) < set(wanted)
    assert set(project["project"]["optional-dependencies"]["dev"]) < set(wanted)
    assert set(project["build-system"]["requires"]) < set(wanted)


def test_every_requirement_has_a_lower_bound_or_a_pin() -> None:
    """Without a lower bound, the oldest version would be the first ever released."""
    told = load_project()["project"]
    lines = [*told["dependencies"], *(line for extra in told["optional-dependencies"].values() for line in extra)]
    assert not [line for line in lines if ">=" not in line and "==" not in line]
