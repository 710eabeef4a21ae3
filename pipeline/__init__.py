"""What happens to a change of ``live/``, from the pull request to the apply."""
