"""Users' speech, made with every available speech synthesizer, and background sounds."""
