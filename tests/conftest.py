"""Settings of all tests: drawn examples are the same in every run, and no test depends on how busy the machine is.

`pytest -k any_file --hypothesis-profile=fuzz` gives 5,000 malformed inputs, other ones in every run, to each reader.
"""

import pytest
import torch
from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """As the engine runs. On a busy machine several threads wait for each other over small tensors, for minutes."""
    torch.set_num_threads(1)
