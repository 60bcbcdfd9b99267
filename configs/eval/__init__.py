"""Configuration of the evaluation."""
