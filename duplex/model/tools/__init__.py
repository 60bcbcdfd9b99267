"""Functions that models may call: their definitions, their calls as text, and what runs them."""
