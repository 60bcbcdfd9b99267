"""Settings of the assistant's language: text tokens, the corpus of exchanges and text pre-training."""

from pydantic import Field

from configs.base import Config
from configs.model.core import CoreConfig
from configs.schedule import ScheduleConfig


class TextTokenizerConfig(Config):
    """A byte-pair vocabulary of lower-case words; control and fill-in tokens come first, in this order.

    `control`: tokens that are never spoken. `fill_ins`: placeholders for words that depend on the clock.
    """

    vocab_size: int = 4096
    min_frequency: int = 2
    control: tuple[str, ...] = ("<|sil|>", "<|hold|>", "<|eos|>", "<|bos|>")
    fill_ins: tuple[str, ...] = (
        "<|time|>",
        "<|date|>",
        "<|weekday|>",
        "<|tomorrow|>",
        "<|yesterday|>",
        "<|month|>",
        "<|year|>",
    )
    alphabet: str = "abcdefghijklmnopqrstuvwxyz'"
    punctuation: str = ",.?!"
    end_of_word: str = "</w>"

    @property
    def specials(self) -> tuple[str, ...]:
        """All special tokens by id; `<|sil|>` is 0."""
        return self.control + self.fill_ins


class CorpusConfig(Config):
    """How exchanges are drawn from the kinds of questions.

    Attributes:
        seed: seeds the answers that are drawn once (rendered clock words of `answers()`).
        held_out_every: every n-th phrasing, prefix and suffix is kept out of training.
        held_out_pairs: one of this many (fact, phrasing) pairs is kept out of training.
        prefix_chance, suffix_chance: how often "can you tell me" or "please" stands around a question.
        first_cores: the number of first (usual) phrasings of a kind ...
        first_chance: ... which are taken this often, and the others the rest of the time.
        outside: share of questions the assistant cannot answer.
        kind_exponent: a kind with n facts is drawn in proportion to n ** kind_exponent.
        emphasis: kind -> how much more often it is drawn, for kinds that are harder to learn than others.
        breadth: which kinds of facts there are, and how many of each: "full" is everything; other names are defined in
            `data/breadth.yaml`.
        topics_per_kind: how many stories, explanations, jokes and the like are kept at most.
        arithmetic_limit: numbers in sums and differences go up to this one.
        large_numbers: whether sums and differences also have tens, and numbers up to 99 with one digit.
        times_limit: factors of products go up to this one.
        compared_limit: numbers in comparisons and questions about parity go up to this one.
        count_limit: "count to n" goes up to this n.
        exchanges: least and most exchanges of a dialogue.
        named_dialogues: share of dialogues whose system prompt gives the assistant a name.
        repeats: share of exchanges that ask for the last answer again.
        follow_ups: share of "and of Germany" where the last kind allows it.
        more_of_the_same: share of "another one" where the last kind allows it.
        names: share of exchanges about the assistant's or the user's name.
        turn_questions: share of long turns that end in one of our questions ...
        turn_outside: ... or in one that has no answer; the rest are statements.
    """

    seed: int = 0
    held_out_every: int = 5
    held_out_pairs: int = 10
    prefix_chance: float = 0.4
    suffix_chance: float = 0.2
    first_cores: int = 3
    first_chance: float = 0.3
    outside: float = 0.12
    kind_exponent: float = 0.8
    emphasis: dict[str, float] = Field(default_factory=dict)
    breadth: str = "small"
    topics_per_kind: int = 26
    arithmetic_limit: int = 10
    times_limit: int = 10
    large_numbers: bool = False
    compared_limit: int = 12
    count_limit: int = 40
    exchanges: tuple[int, int] = (1, 6)
    named_dialogues: float = 0.8
    repeats: float = 0.05
    follow_ups: float = 0.15
    more_of_the_same: float = 0.3
    names: float = 0.06
    turn_questions: float = 0.6
    turn_outside: float = 0.15


class VocabularyConfig(Config):
    """How the tokenizer and the truecasing table are learnt from the corpus.

    Attributes:
        rows: exchanges and turns drawn for the words of users.
        answer_weight: how much more an answer's word counts than a user's, because only one token is spoken per slot.
    """

    tokenizer: TextTokenizerConfig = TextTokenizerConfig()
    corpus: CorpusConfig = CorpusConfig()
    seed: int = 0
    rows: int = 40_000
    turns: int = 4_000
    answer_weight: int = 8


class MishearingConfig(Config):
    """Simulated recognition errors of a small speech recognizer.

    Attributes:
        clean: share of utterances without an error.
        rate: chance of an error at each word of the others.
        substitute, delete, insert, split, join: odds of the kinds of errors.
        table: how often an error is taken from the table of real confusions, if that has the word.
        alike: share of synthetic substitutions that take a word that sounds alike; the rest change letters.
        initials: how often letters in a row ("a u") are written as one word, even in utterances without an error.
    """

    clean: float = 0.4
    rate: float = 0.15
    substitute: float = 0.6
    delete: float = 0.18
    insert: float = 0.08
    split: float = 0.07
    join: float = 0.07
    table: float = 0.8
    alike: float = 0.7
    initials: float = 0.5


class PretrainConfig(Config):
    """Text pre-training of the core: dialogues as text, in the arrangement of slots.

    Attributes:
        steps: optimizer steps.
        elements: elements of a batch, padding included.
        pool: dialogues that are drawn at once and sorted by length.
        longest: dialogues are cut after this many slots.
        full_from: share of the steps after which the empty elements of both sides are no longer left out.
        full: share of batches with the empty elements before that.
        latest_first_slot: half of the batches begin at a random slot up to this one, far from the prefix.
        singles: share of single exchanges, mostly without a system prompt, at the first and at the last step; facts are
            learnt sooner where the question is unambiguous.
        copies: share of rows "say this and that" with random words, at the first step and from two fifths of the steps
            on; they teach the model to find the user's words and say them, which every answer needs.
        copied_words: most words in such a row.
        turns: share of dialogues that begin with a long turn.
        misheard: share of rows that are whole questions as the recognizer heard them, if there are recordings of these.
        one_word: share of turns whose words enter one by one instead of up to K per slot, at the first step; it falls
            to `one_word_left` at half of the steps. A sum of four words cannot be learnt before single words are.
        word_maps_rate: learning rate of the maps W_k relative to the others; if they learn fast, they lose the identity
            that copying relies on.
        errors_from: share of the steps over which recognition errors grow to their full share.
        copying, table_deviation: strength of the copying attention, and standard deviation of the text embedding, in
            the initial weights (Trockman and Kolter 2023 describe such an initialization).
        as_live: of the turns that do not enter one by one, the share whose words enter as they do live; the others
            enter K per slot, slot after slot.
        lead: most empty slots before the words of such a turn.
        batches: probabilities of 1, 2, ... words in a slot of such a turn.
        between: probabilities of 0, 1, 2, ... empty slots between two of its batches.
        gaps: probabilities of 0, 1, 2, ... empty slots before and after an answer.
        holds: probability of a slot without a text token after each token of an answer.
        peak_rate, warmup, weight_decay, average: AdamW with a cosine schedule; decay of the weights' moving average.
    """

    core: CoreConfig = CoreConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    corpus: CorpusConfig = CorpusConfig()
    noise: MishearingConfig = MishearingConfig()
    seed: int = 0
    steps: int = 6000
    elements: int = 2400
    pool: int = 256
    longest: int = 150
    full_from: float = 0.85
    full: float = 0.1
    latest_first_slot: int = 3000
    singles: tuple[float, float] = (0.85, 0.3)
    copies: tuple[float, float] = (0.4, 0.03)
    copied_words: int = 6
    turns: float = 0.12
    misheard: float = 0.0
    copying: float = 0.1
    table_deviation: float = 0.08
    one_word: float = 1.0
    one_word_left: float = 0.15
    word_maps_rate: float = 0.1
    errors_from: float = 0.5
    as_live: float = 0.75
    lead: int = 8
    batches: tuple[float, ...] = (0.37, 0.36, 0.16, 0.11)
    between: tuple[float, ...] = (0.22, 0.63, 0.05, 0.1)
    gaps: tuple[float, ...] = (0.7, 0.15, 0.1, 0.05)
    holds: float = 0.1
    peak_rate: float = 1.5e-3
    warmup: int = 100
    weight_decay: float = 0.05
    average: float = 0.998
    evaluate_every: int = 1000
    evaluation_rows: int = 200
    vocabulary: str = "mini"
