"""The commands: each a thin shell over a function that takes its collaborators."""
