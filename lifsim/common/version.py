"""The version of lifsim."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("lifsim")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"
