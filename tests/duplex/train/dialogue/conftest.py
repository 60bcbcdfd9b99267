from pathlib import Path

import pytest

from tests.duplex.train.dialogue.scenes import small_bank


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip bank of hums."""
    return small_bank(tmp_path_factory.mktemp("bank"))
