"""What `python -m asyncworker` does: the same as the command."""

from asyncworker.cli.command import main

main()
