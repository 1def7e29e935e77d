"""The models shipped with lifsim, and the search for a model file."""

from __future__ import annotations

from pathlib import Path

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.text import shortened
from lifsim.files.outputs import expanded
from lifsim.files.untrusted import kind_of
from lifsim.modelfile import toml

_PACKAGE = Path(__file__).parents[1]
_WANTED = "the path of a model file, or the name of a shipped model"

_NO_SCRIPT = "a model file in TOML; run a script that calls lifsim with Python itself"


def find(model: str | Path) -> Path:
    """The path of a model file: `model` is a path, or the name of a shipped model (DataError if there is no such file)."""
    path, own = expanded(model, "model", DataError), _shipped_files()
    try:
        if path.is_file():
            if path.suffix == ".py":
                raise DataError(shortened(str(path)), "is a Python script, not a model file", _NO_SCRIPT)
            return path
        if path.is_dir():
            raise DataError(str(path), "is a directory", _WANTED)
        if path.exists():
            raise DataError(str(path), f"is not an ordinary file but {kind_of(path.stat().st_mode)}", _WANTED)
    except (OSError, ValueError) as error:  # the system does not allow such a name
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(shortened(str(path)), f"cannot be read ({reason})", _WANTED) from None
    if str(model) in own:
        return own[str(model)]
    hint = _NO_SCRIPT if path.suffix == ".py" else did_you_mean(path.stem, own)
    raise DataError(shortened(str(model)), "there is no such file, nor a shipped model of this name", hint)


def shipped() -> dict[str, str]:
    """Names and descriptions of the models shipped with lifsim."""
    return {name: toml.parsed(toml.read_text(path), str(path)).get("description", "") for name, path in _shipped_files().items()}


def shipped_names() -> list[str]:
    """Names of the models shipped with lifsim."""
    return list(_shipped_files())


def template() -> str:
    """The text of a commented model file that serves as a template."""
    return (_PACKAGE / "template.toml").read_text(encoding="utf-8")


def _shipped_files() -> dict[str, Path]:
    # The files are inside an installed package, but next to the package in a source tree.
    folder = next((f for f in (_PACKAGE / "shipped", _PACKAGE.parent / "models") if f.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder else {}
