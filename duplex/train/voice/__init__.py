"""Recipes of the speaking half: lexicon, speech data, tokenizer, pointer head, decoder, evaluation."""
