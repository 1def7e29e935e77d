"""The command line: each command parses its options, calls the package that does the work, and prints.

Input: command-line arguments. Output: files, messages, an exit code. Commands import what they need when they run.
"""
