"""Files: written whole or not at all, locked, sealed with checksums, and read with care when they come from strangers.

In: bytes and paths. Out: files that survive a full disk or a crash as they were, or as they were to be; never half of both.
What the files hold is known by other packages.
"""
