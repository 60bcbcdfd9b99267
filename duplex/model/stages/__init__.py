"""The streaming stages of the model, one file each."""
