"""One module a command: ``ABOUT``, ``arguments(parser)`` and ``run(options, console)``."""
