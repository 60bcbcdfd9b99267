"""Text tokens, words, phonemes, and written text as it is spoken."""
