"""What makes the site beyond Sphinx: code in pages that is run, notebooks, the pages of commands."""
