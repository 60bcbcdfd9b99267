"""Configuration of the engine, the server and local sessions."""
