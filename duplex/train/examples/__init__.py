"""Training examples of the papers' models: dialogues of text, sound and speech tokens, in one schema."""
