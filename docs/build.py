"""Build the site: `python docs/build.py FOLDER`. A warning is an error, and so is a block of code that raises.

English lies in the folder itself, Portuguese in `pt/` of it. Both are built in one process, so that code which both
have is run once.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
LANGUAGES = {"en": ("en", "."), "pt": ("pt_BR", "pt")}


def build(folder: Path) -> int:
    """Build all languages into `folder`, which is emptied before; 0 where all went well."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    shutil.rmtree(folder, ignore_errors=True)
    for name, (language, place) in LANGUAGES.items():
        with patch_docutils(str(DOCS)), docutils_namespace():
            app = Sphinx(
                srcdir=str(DOCS / name),
                confdir=str(DOCS),
                outdir=str(folder / place),
                doctreedir=str(folder.with_name(f"{folder.name}-trees") / name),
                buildername="html",
                confoverrides={"language": language},
                freshenv=True,
                warningiserror=True,
            )
            app.build(force_all=True)
        if app.statuscode:
            return int(app.statuscode)
    return 0


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]).resolve()))
