"""`python -m sioprobe`, the same as the command `sioprobe`."""

from sioprobe.cli import main

main(prog_name="sioprobe")
