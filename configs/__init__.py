"""Frozen configuration, read from YAML. This package is the only source of constants; an unknown key is an error."""
