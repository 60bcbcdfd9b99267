"""Text tokens, words, phonemes, and how written text is spoken."""
