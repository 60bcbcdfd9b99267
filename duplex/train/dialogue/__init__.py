"""Simulated two-channel dialogues: the user's channel with everything in it, and what the assistant should do."""
