"""How a token is chosen, and from which seed."""
