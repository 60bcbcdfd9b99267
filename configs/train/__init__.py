"""Configuration of training recipes; the YAML files beside it are the recipes of the embedded model."""
