"""Files: atomic writing, locks, seals (checksums of whole files), and safe reading of untrusted files.

After a full disk or a crash, a file is either the complete old or the complete new one. The contents of files are defined in other
packages.
"""
