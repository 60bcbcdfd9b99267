"""Users' speech, made with every speech synthesizer at hand, and the sounds around it."""
