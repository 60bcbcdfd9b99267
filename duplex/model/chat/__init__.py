"""Chats in turns with a half-duplex checkpoint: events while it answers, speech, and function calls."""
