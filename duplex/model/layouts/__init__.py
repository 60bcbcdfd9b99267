"""How user and assistant share one sequence: slot by slot (`tdm`) or in turns (`turns`)."""
