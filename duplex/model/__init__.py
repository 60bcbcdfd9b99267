"""The model: layouts, stages, text, families, and the front door that loads them."""
