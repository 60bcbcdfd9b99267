"""Settings of all tests: drawn examples are the same in every run, and no test depends on how busy the machine is."""

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
