"""`duplex bench soak`: long conversations with a served model, and what grows or leaks meanwhile."""
