"""The command line: each command parses its options, calls the package that does the work, and prints.

In: words of a shell. Out: files, text for people, an exit code. Commands import what they need when they run.
"""
