"""Notebooks as pages, with the output of their cells. What was run once is kept in build/notebooks until the notebook or lifsim changes."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

_PICTURE = "image/png"


class NotebookPage:
    """A notebook as Markdown, and its pictures by name.

    Cells with the tag "solution" are folded below their heading. The page begins with the title, and where the notebook itself is found.

    Parameters
    ----------
    path : the notebook. root : folder of the repository.
    run : whether its cells are run; if not, the page has no output.
    """

    def __init__(self, path: Path, root: Path, run: bool = True) -> None:
        self.pictures: dict[str, bytes] = {}
        self._stem, self._heading = path.stem, ""
        cells = (self._run(path, root) if run else nbformat.read(path, as_version=4)).cells
        title, _, rest = cells[0].source.partition("\n")
        note = f"*A notebook: {path.relative_to(root).as_posix()} in the repository ([download]({path.name}){{: download }}).*"
        parts = [title, note, rest]
        for cell in cells[1:]:
            text = self._cell(cell)
            if "solution" in cell.metadata.get("tags", []):  # a heading, and what is folded below it
                heading = re.match(r"#+ (.*)\n+", text)
                parts += [f'??? success "{heading[1]}"'] if heading else []
                text = re.sub(r"(?m)^(?=.)", "    ", text[heading.end() :] if heading else text)
            parts.append(text)
        self.markdown = "\n\n".join(parts) + "\n"

    @staticmethod
    def _run(path: Path, root: Path) -> nbformat.NotebookNode:
        code = hashlib.sha256(path.read_bytes())
        for file in sorted((root / "lifsim").rglob("*.py")):
            code.update(file.read_bytes())
        kept = root / "build" / "notebooks" / f"{path.stem}-{code.hexdigest()[:16]}.ipynb"
        if not kept.exists():
            notebook = nbformat.read(path, as_version=4)
            with tempfile.TemporaryDirectory() as folder:
                NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
            kept.parent.mkdir(parents=True, exist_ok=True)
            for old in kept.parent.glob(f"{path.stem}-*.ipynb"):
                old.unlink()
            nbformat.write(notebook, kept)
        return nbformat.read(kept, as_version=4)

    def _cell(self, cell: nbformat.NotebookNode) -> str:
        if cell.cell_type == "markdown":
            self._heading = [self._heading, *re.findall(r"(?m)^#+ (.*)$", cell.source)][-1]
            return str(cell.source)
        return "\n\n".join([f"```python\n{cell.source}\n```", *(self._output(output) for output in cell.outputs)])

    def _output(self, output: nbformat.NotebookNode) -> str:
        if output.output_type == "stream":
            return "" if output.name == "stderr" else f"```text\n{output.text.rstrip()}\n```"
        if _PICTURE in output.data:
            name = f"{self._stem}_{len(self.pictures) + 1}.png"
            self.pictures[name] = base64.b64decode(output.data[_PICTURE])
            return f"![{self._heading}: the figure that the cell above draws]({name})"
        return f"```text\n{output.data['text/plain'].rstrip()}\n```"
