"""Files of several pages (TIFF): which one is the photo."""

from PIL import Image

MOST_PAGES = 1000  # looked at for the largest
_KIND_OF_PAGE, _PAGES_BELOW = 254, 330  # tags of TIFF


def largest_page(image: Image.Image) -> int:
    """Seeks to the page of most pixels, the first of equal ones, and returns its number from 0."""
    areas = []
    for page in range(min(image.n_frames, MOST_PAGES)):  # type: ignore[attr-defined]
        image.seek(page)
        areas.append(image.width * image.height)
    best = areas.index(max(areas))
    image.seek(best)
    return best


def is_preview(image: Image.Image) -> bool:
    """Whether a TIFF's largest page calls itself a reduced one of pages that lie below it: DNG, NEF, ARW."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    kind = tags.get(_KIND_OF_PAGE, 0)
    return isinstance(kind, int) and bool(kind & 1) and _PAGES_BELOW in tags
