"""The page. Everything it shows comes from the server itself: no fonts, scripts or pictures from elsewhere."""

import logging
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from pathlib import Path
from time import monotonic
from typing import Any

import gradio as gr

from ..errors import FacepriorError
from .example import SCALE, write_example
from .folder import PrivateFolder
from .labels import CANVAS, KEEP_SHARPENING, LARGEST
from .limits import Refused
from .outcome import Files, summary, write_files
from .service import Service, file_name
from .shown import Shown, show
from .wanted import Wanted, photo_options

log = logging.getLogger("faceprior.web")
FONTS = ("system-ui", "sans-serif")
CANVASES = [
    ("Network, if within a minute", "auto"),
    ("Network", "network"),
    ("Network around the faces", "faces"),
    ("Lanczos", "lanczos"),
]
MONO = ("ui-monospace", "monospace")

HEAD = """# faceprior
Restores the tiny faces of a photo (8 to 60 pixels) and puts them back. The photo stays on this server's
machine and is removed after {minutes} minutes."""
RESPONSIBLE = """**Plausible, not evidence.** A face of 16x16 pixels fits many people; what is added may be invented.
Never use the result to recognise, accuse or look for anybody. For programs: [HTTP](docs)."""
EMPTY = "Drop a photo, or try the example."
WHOLE = "Whole photo: enlarged | restored"
# In the head of the page: Gradio would confine `css` to the inside of its own frame, whose padding is to change.
# On a phone the two columns become one: the photo, the result, then the options and the boxes.
CSS = """<style>
.gradio-container {max-width: 1240px !important; margin: 0 auto !important; box-sizing: border-box}
#note {font-size: .92em; opacity: .85}
#summary {min-height: 1.6em}
#boxes img {max-height: 480px; object-fit: contain; cursor: pointer}
#faces .grid-wrap {min-height: 0 !important; max-height: 560px}
#faces .grid-container {padding-top: 1.9rem; grid-template-columns: repeat(2, 1fr) !important}
#faces .grid-container button {aspect-ratio: 3 / 1 !important; height: auto !important}
#chosen .wrap {max-height: 190px; overflow-y: auto; gap: 6px}
#chosen label {padding: 4px 8px}
#summary {scroll-margin-top: 8px}
@media (max-width: 767px) {
  .gradio-container .main {padding: 12px !important}
  #sides > .column {display: contents}
  #sides > .column > * {flex: 1 1 100%}
  #photo {height: 200px !important}
  #faces .grid-container {grid-template-columns: 1fr !important}
  #summary {order: 1} #slider {order: 2} #whole {order: 3} #downloads {order: 4} #faces {order: 5}
  #boxes {order: 6} #sides > .column > :has(#chosen), #chosen {order: 7} #options {order: 8}
}
</style>"""
# What was asked for is brought into view: on a phone the result is below the photo, and the slider above the faces.
INTO_VIEW = """() => {
  const top = document.querySelector('#summary');
  const seen = top.getBoundingClientRect();
  if (seen.top < 0 || seen.top > window.innerHeight / 3) setTimeout(() => top.scrollIntoView({block: 'start'}), 150);
}"""


def build(service: Service, folder: PrivateFolder) -> gr.Blocks:
    limits = service.limits

    def work(photo: str | None, chosen: dict[str, Any], any_turn: bool, report: Callable, **more: Any) -> tuple:
        """-> (Shown, Files, PhotoResult) of an upload, or gr.Error with one line."""
        try:
            if photo is None:
                raise Refused(400, "choose a photo first")
            # The page shows photos: what has no face in it is enlarged, and not taken for a face that is cut out.
            wanted = Wanted(photo_options(limits, **chosen, kind="photo"), any_turn=any_turn, **more)
            stages: list[tuple[float, str]] = [(0.0, "Waiting for its turn")]
            with service.turns.enter() as place:
                future = place.submit(lambda: make(Path(photo), wanted, lambda *stage: stages.append(stage)))
            return _watched(future, stages, report, limits.timeout)
        except TimeoutError:
            message = f"not done within {limits.timeout:g} seconds; a smaller photo or scale takes less"
        except FacepriorError as error:
            message = str(error)
        except FileNotFoundError:
            message = "the photo was removed meanwhile; upload it again"
        except MemoryError:
            message = "not enough memory for this photo; a smaller scale needs less"
        except Exception:  # a defect: the client learns no more than that, the log all of it
            log.error(traceback.format_exc())
            message = "internal error; the server's log says more"
        raise gr.Error(message, title="Not restored", print_exception=False)

    def make(photo: Path, wanted: Wanted, report: Callable[[float, str], None]) -> tuple:
        data = photo.read_bytes()
        result, about = service.restore(data, wanted, report)
        report(0.8, "Writing the files")
        place = folder.new()
        files = write_files(result, place / "files", file_name(data, photo.name), about)
        return show(result, place / "page", str(photo), wanted.any_turn), files, result

    def options(
        scale: float, strength: float, max_size: float, consistent: bool, canvas: str, keep_sharpening: bool
    ) -> dict[str, Any]:
        chosen = {"scale": int(scale), "strength": float(strength), "max_size": float(max_size), "canvas": canvas}
        return {**chosen, "consistent": bool(consistent), "keep_sharpening": bool(keep_sharpening)}

    def restore(
        photo, scale, strength, max_size, consistent, canvas, any_turn, sharpness, keep_sharpening, before, numbers,
        progress=gr.Progress(),
    ):
        chosen = options(scale, strength, max_size, consistent, canvas, keep_sharpening)
        more: dict[str, Any] = {"sharpness": float(sharpness)} if service.has_sharp else {}
        if before is not None and (before.photo, before.any_turn) == (photo, bool(any_turn)) and before.found:
            # The same photo: the same faces with the same numbers, fewer or more of them restored.
            if not numbers:
                raise gr.Error("choose one face at least", title="Not restored", print_exception=False)
            more["boxes"] = tuple(before.found)
            chosen["faces"] = tuple(numbers) if len(numbers) < len(before.found) else None
        shown, files, result = work(photo, chosen, bool(any_turn), progress, **more)
        every = list(range(1, len(shown.found) + 1))
        choice = gr.CheckboxGroup(
            choices=[(str(face.number), face.number) for face in result.faces],
            value=list(chosen.get("faces") or every),
            visible=len(every) > 1,
        )
        return (
            shown, summary(result), gr.ImageSlider(shown.whole, label=WHOLE), shown.boxes,
            gr.Gallery(shown.strips, visible=bool(shown.strips)), choice, *_paths(files), gr.Row(visible=True),
            gr.Button(visible=False),
        )  # fmt: skip

    def plain(
        photo, scale, strength, max_size, consistent, canvas="auto", any_turn=False, sharpness=0.0,
        keep_sharpening=False,
    ):
        more = {"sharpness": float(sharpness)} if service.has_sharp else {}
        chosen = options(scale, strength, max_size, consistent, canvas, keep_sharpening)
        shown, files, result = work(photo, chosen, bool(any_turn), lambda *_: None, **more)
        return summary(result), shown.whole, shown.boxes, shown.strips, *_paths(files)

    def example() -> tuple[str, int]:
        return str(write_example(folder.new())), SCALE

    def emptied() -> tuple:
        return (
            None, "", gr.ImageSlider(None, label=WHOLE), None, gr.Gallery(None, visible=False),
            gr.CheckboxGroup(choices=[], value=[], visible=False), gr.Row(visible=False), gr.Button(visible=False),
        )  # fmt: skip

    def clicked(shown: Shown | None, numbers: list[int], event: gr.SelectData) -> list[int]:
        number = shown.face_at(*event.index) if shown is not None else None
        if number is None:
            raise gr.Error("no face there: click into a box", title="Faces", print_exception=False)
        return sorted({*numbers} ^ {number})

    def nearer(shown: Shown | None, event: gr.SelectData) -> tuple:
        if shown is None or not 0 <= event.index < len(shown.pairs):
            return gr.skip(), gr.skip()
        label = f"Face {shown.numbers[event.index]}: enlarged | restored"
        return gr.ImageSlider(shown.pairs[event.index], label=label), gr.Button(visible=True)

    def farther(shown: Shown | None) -> tuple:
        return gr.ImageSlider(shown.whole if shown else None, label=WHOLE), gr.Button(visible=False)

    with gr.Blocks(title="faceprior", analytics_enabled=False) as page:
        gr.Markdown(HEAD.format(minutes=max(1, round(limits.keep / 60))))
        state = gr.State(None)
        with gr.Row(equal_height=False, elem_id="sides"):
            with gr.Column(scale=2, min_width=300):
                photo = gr.Image(
                    label="Photo", type="filepath", image_mode=None, sources=["upload", "clipboard"], height=280,
                    buttons=[], elem_id="photo",
                )  # fmt: skip
                # Our own decoder reads the upload: EXIF, 16-bit, CMYK, alpha, and its limits.
                photo.preprocess = lambda payload: payload and payload.path  # type: ignore[method-assign]
                with gr.Row():
                    go = gr.Button("Restore", variant="primary", min_width=120, elem_id="restore")
                    sample = gr.Button("Example", min_width=120, elem_id="example")
                with gr.Accordion("Options", open=False, elem_id="options"):
                    scale = gr.Slider(1, 8, 4, step=1, label="Enlarge", info="times as large")
                    strength = gr.Slider(0, 1, 1, step=0.05, label="Strength", info="of the restored faces")
                    max_size = gr.Slider(8, 200, 60, step=1, label=LARGEST, info="pixels; larger ones are left")
                    canvas = gr.Radio(
                        CANVASES, value="auto", label=CANVAS,
                        info="enlarged by a small network, or by Lanczos",
                    )  # fmt: skip
                    sharpness = gr.Slider(
                        0, 1, service.upscaler.sharpness, step=0.05, visible=service.has_sharp, label="Sharpness",
                        elem_id="sharpness", info="sharper, and a little further from the truth",
                    )  # fmt: skip
                    any_turn = gr.Checkbox(
                        False, visible=service.turned is not None, label="Turned", elem_id="any-turn",
                        info="also find faces lying on their side or upside down",
                    )  # fmt: skip
                    consistent = gr.Checkbox(
                        False, label="Consistent", info="agree with the photo's own pixels exactly"
                    )
                    keep_sharpening = gr.Checkbox(
                        False, label=KEEP_SHARPENING, elem_id="keep-sharpening",
                        info="else what a camera or a program sharpened is enlarged without it",
                    )  # fmt: skip
                boxes = gr.Image(
                    label="Found: click a face to leave it out, or to put it back", type="filepath",
                    interactive=False, buttons=["fullscreen"], elem_id="boxes",
                )  # fmt: skip
                numbers = gr.CheckboxGroup([], label="Restore these faces", visible=False, elem_id="chosen")
            with gr.Column(scale=3, min_width=320, elem_id="result"):
                said = gr.Markdown(EMPTY, elem_id="summary")
                slider = gr.ImageSlider(
                    label=WHOLE, type="filepath", max_height=560, buttons=["fullscreen"],
                    elem_id="slider", interactive=False,
                )  # fmt: skip
                whole = gr.Button("Back to the whole photo", visible=False, size="md", elem_id="whole")
                with gr.Row(visible=False, elem_id="downloads") as downloads:
                    files = [
                        gr.DownloadButton(text, min_width=80, size="md", elem_id=f"get-{name}")
                        for text, name in (("Photo", "photo"), ("All (zip)", "zip"), ("JSON", "json"))
                    ]
                faces = gr.Gallery(
                    label="Faces: click one to see it before and after", columns=2, object_fit="contain",
                    height="auto", buttons=["fullscreen"], elem_id="faces", interactive=False, fit_columns=False,
                    allow_preview=False, visible=False,
                )  # fmt: skip
        gr.Markdown(RESPONSIBLE, elem_id="note")
        api = gr.Button(visible=False)

        chosen = [photo, scale, strength, max_size, consistent, canvas, any_turn, sharpness, keep_sharpening]
        given = [*chosen, state, numbers]
        outputs = [state, said, slider, boxes, faces, numbers, *files, downloads, whole]
        cleared = [state, said, slider, boxes, faces, numbers, downloads, whole]
        queued = {"queue": True, "concurrency_limit": limits.workers, "concurrency_id": "photos"}
        private = {"api_visibility": "private"}
        quick = {**private, "show_progress": "hidden", "concurrency_limit": None}
        run = {**queued, **private, "show_progress_on": slider}  # not on each of the outputs

        def into_view(event: Any) -> None:
            event.success(None, js=INTO_VIEW, **private)

        into_view(go.click(restore, given, outputs, **run))
        fresh = photo.upload(emptied, None, cleared, **quick)
        into_view(fresh.then(restore, given, outputs, **run))
        photo.clear(emptied, None, cleared, **quick)
        drawn = sample.click(emptied, None, cleared, **quick)
        drawn = drawn.then(example, None, [photo, scale], **quick)
        into_view(drawn.then(restore, given, outputs, **run))
        toggled = boxes.select(clicked, [state, numbers], numbers, **quick)
        toggled.success(restore, given, outputs, **run)
        numbers.input(restore, given, outputs, **run)
        nearby = faces.select(nearer, state, [slider, whole], **quick)
        into_view(nearby)
        whole.click(farther, state, [slider, whole], **quick)
        api.click(plain, chosen, [said, slider, boxes, faces, *files], api_name="upscale", **queued)
    page.queue(max_size=limits.queue, default_concurrency_limit=limits.workers, api_open=False)
    # `_check_allowed` of Gradio looks at files that clients name only after a launch, which mounting is not.
    page.has_launched = True
    return page


def theme() -> gr.themes.Base:
    """Fonts by plain names: Gradio's own themes ask Google for theirs."""
    return gr.themes.Default(font=FONTS, font_mono=MONO)


def _paths(files: Files) -> tuple[str, str, str]:
    return str(files.photo), str(files.archive), str(files.table)


def _watched(future: Future, stages: list[tuple[float, str]], report: Callable, timeout: float) -> Any:
    """The future's result, its stages reported meanwhile. Raises TimeoutError, and what the work raised."""
    end, said = monotonic() + timeout, 0
    while True:
        if said < len(stages):
            said = len(stages)
            part, text = stages[-1]
            report(part, text)
        try:
            return future.result(min(0.2, max(0.0, end - monotonic())))
        except NotDone:
            if future.done() or monotonic() >= end:
                raise
