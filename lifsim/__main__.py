"""``python -m lifsim``: the command line, where the script itself is not on the path."""

from lifsim.cli.main import main

main(prog_name="lifsim")
