"""Reports of what ends when: for a terminal, for programs, and as a page."""
