"""Configurations of recipes; the YAML files beside them are the recipes of the embedded model."""
