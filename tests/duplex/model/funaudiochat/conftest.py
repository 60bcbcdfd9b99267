"""Golden models, loaded once from folders in the authors' published form."""

import pytest

from duplex.model.funaudiochat.model import FunAudioChat
from tests.duplex.model.funaudiochat.golden import DENSE, SPARSE, load


@pytest.fixture(scope="session")
def chat(tmp_path_factory: pytest.TempPathFactory) -> FunAudioChat:
    """Qwen3 backbone."""
    return load(tmp_path_factory.mktemp("published"), DENSE)


@pytest.fixture(scope="session")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> FunAudioChat:
    """Qwen3-MoE backbone."""
    return load(tmp_path_factory.mktemp("published-moe"), SPARSE)
