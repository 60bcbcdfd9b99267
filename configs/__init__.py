"""Frozen configuration, read from YAML. The only source of constants; an unknown key is an error."""
