"""Settings for all tests: generated examples are the same in every run, and no test depends on the machine's load.

`pytest -k any_file --hypothesis-profile=fuzz` gives 5,000 malformed inputs, different in every run, to each reader.
"""

import pytest
import torch
from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """One thread, as in the engine: on a busy machine several threads wait for each other over small tensors."""
    torch.set_num_threads(1)
