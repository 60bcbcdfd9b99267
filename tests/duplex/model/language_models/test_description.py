"""What reports tell of a language model: enough to repeat a measurement, and no key."""

from configs.model.language_models import LanguageModelConfig
from duplex.eval.reports.cells import describe_language_model
from duplex.model.language_models.description import describe_config


def test_only_settings_that_are_not_the_default_ones_are_told() -> None:
    plain = describe_config(LanguageModelConfig(source="smollm2"), "0123")
    assert plain == {
        "source": "smollm2",
        "fingerprint": "0123",
        "answers": "all",
        "system_prompt": "default",
        "settings": {},
    }
    assert describe_language_model(plain) == "smollm2 (0123), answers all"


def test_a_server_with_settings_and_a_prompt_of_its_own() -> None:
    config = LanguageModelConfig(
        source="http://127.0.0.1:1/v1", model="tiny", answers="unknown", system_prompt="Be brief.", longest=40,
        speculate=True, key_variable="OTHER_KEY",
    )  # fmt: skip
    values = describe_config(config, "0123")
    assert values["settings"] == {"longest": 40, "speculate": True}
    assert values["system_prompt"] == "sha256:213c22ed7234"
    assert "OTHER_KEY" not in str(values)
    assert describe_language_model(values) == (
        "tiny at http://127.0.0.1:1/v1 (0123), answers unknown, system prompt sha256:213c22ed7234, longest 40, "
        "speculate True"
    )
