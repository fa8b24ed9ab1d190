"""What the page calls the command's options, so that what a user is told names what is there to see."""

import re

LARGEST, CANVAS, KEEP_SHARPENING = "Largest face", "Rest of the photo", "Keep sharpening"
_SHOWN = {
    "--max-size": f"“{LARGEST}”",
    "--keep-sharpening": f"“{KEEP_SHARPENING}”",
    "--canvas network": f"“{CANVAS}: network”",
}
# Tiny faces, and what is soft left so: not on the page.
_ABSENT = re.compile(
    r": --min-size \d+ takes (it|them), too, with more of it invented|; --keep-softness keeps (it|them)"
)


def in_page_words(text: str) -> str:
    """`--max-size 72 takes it, too` -> `“Largest face” 72 takes it, too`."""
    text = _ABSENT.sub("", text)
    for flag, label in _SHOWN.items():
        text = text.replace(flag, label)
    return text
