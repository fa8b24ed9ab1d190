"""An upload as a form (`multipart/form-data`): what browsers, `curl -F` and Python's requests send."""

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from .limits import Refused
from .repeated import each_once

MOST_FIELDS = 40
LONGEST_FIELD = 2**16  # bytes of an option: boxes may be many


class _InMemory(MultiPartParser):
    """The guard has counted the body: nothing of it goes to the disk."""

    spool_max_size = 2**40


async def read_upload(request: Request) -> tuple[bytes, str | None, dict[str, str]]:
    """-> the photo's bytes, the name it was sent with, and the options that the form holds.

    What is no form is the photo itself, whatever its type is called: `curl --data-binary` calls it a form of another
    kind. The photo is the form's one file, in a field of any name.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return await request.body(), None, {}
    try:
        parser = _InMemory(
            request.headers, request.stream(), max_files=1, max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD
        )
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(400, f"the form: {error.message}") from None
    except (ValueError, KeyError, UnicodeError):
        raise Refused(400, "not a form with a file in it") from None
    try:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not files:
            raise Refused(400, "the form holds no file: send the photo as one, as in curl -F photo=@party.jpg")
        given = [(name, value) for name, value in form.multi_items() if isinstance(value, str) and value != ""]
        return await files[0].read(), files[0].filename, each_once(given)
    finally:
        await form.close()
