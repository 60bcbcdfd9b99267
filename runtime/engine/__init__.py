"""The engine: runs the slots of all sessions through the model, in a thread or a process of its own."""
