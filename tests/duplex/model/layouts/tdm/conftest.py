"""A conversation's delegated answers, and the scripted source that they ask."""

import pytest

from duplex.model.layouts.tdm.delegated import DelegatedAnswers
from tests.duplex.model.language_models.scripted_answers import AskedAnswers


@pytest.fixture
def source() -> AskedAnswers:
    return AskedAnswers()


@pytest.fixture
def llm(source: AskedAnswers) -> DelegatedAnswers:
    return DelegatedAnswers(source, 0, "")
