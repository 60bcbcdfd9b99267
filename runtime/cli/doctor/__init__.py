"""`duplex doctor`: what a machine or a set-up has and lacks."""
