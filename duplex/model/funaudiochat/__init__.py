"""Fun-Audio-Chat: the authors' released speech-text models, run by modules of our own."""
