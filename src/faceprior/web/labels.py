"""What the page calls the command's options, so that what a user is told names what is there to see."""

LARGEST, CANVAS, KEEP_SHARPENING = "Largest face", "Rest of the photo", "Keep sharpening"
_SHOWN = {
    "--max-size": f"“{LARGEST}”",
    "--keep-sharpening": f"“{KEEP_SHARPENING}”",
    "--canvas network": f"“{CANVAS}: network”",
}


def in_page_words(text: str) -> str:
    """`--max-size 72 takes it, too` -> `“Largest face” 72 takes it, too`."""
    for flag, label in _SHOWN.items():
        text = text.replace(flag, label)
    return text
