"""Recipes of the voice: lexicon, speech data, tokenizer, pointer head, decoder, evaluation."""
