"""Language models that answer in writing: in a process of their own, or behind an OpenAI-compatible server."""
