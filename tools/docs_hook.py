"""MkDocs: the model card, which lies beside the README, as a page of the site; docstrings in their own shape."""

import re
from pathlib import Path

from mkdocs.structure.files import File, Files

CARD, PAGE = "MODEL_CARD.md", "model-card.md"


def on_files(files: Files, config) -> Files:
    text = (Path(config.config_file_path).parent / CARD).read_text("utf-8")
    files.append(File.generated(config, PAGE, content=re.sub(r"\]\(docs/", "](", text)))
    return files


def on_page_markdown(markdown: str, page, config, files) -> str:
    up = "../" * page.file.src_uri.count("/")
    return markdown.replace(f"](../{up}{CARD}", f"]({up}{PAGE}")
