"""Fun-Audio-Chat: the authors' released speech-text models, run by our own modules."""
