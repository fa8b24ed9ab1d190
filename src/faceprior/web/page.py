"""The page. Everything it shows comes from the server itself: no fonts, scripts or pictures from elsewhere."""

import logging
import traceback
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from ..errors import FacepriorError
from ..photo.pipeline import PhotoResult
from .example import SCALE, write_example
from .folder import PrivateFolder
from .limits import Refused
from .outcome import before_after, boxed, gallery, summary, write_files
from .service import Service, file_name

log = logging.getLogger("faceprior.web")
FONTS = ("system-ui", "sans-serif")
CANVASES = {"Network, if within a minute": "auto", "Network": "network", "Lanczos": "lanczos"}
MONO = ("ui-monospace", "monospace")

HEAD = """# faceprior
Restores the tiny faces of a photo (about 10 to 60 pixels) and puts them back. The photo stays on this server's
machine and is removed after {minutes} minutes."""
RESPONSIBLE = """**Plausible, not evidence.** A face of 16x16 pixels fits many people; what is added may be invented.
Never use the result to recognise, accuse or look for anybody."""
# In the head of the page: Gradio would confine `css` to the inside of its own frame, whose padding is to change.
# On a phone the two columns become one, with the boxes after the result.
CSS = """<style>
.gradio-container {max-width: 1240px !important; margin: 0 auto !important; box-sizing: border-box}
#note {font-size: .92em; opacity: .85}
#summary {min-height: 1.6em}
#boxes img {max-height: 480px; object-fit: contain}
#faces .grid-wrap {min-height: 0 !important; max-height: 560px}
#faces .grid-container {padding-top: 1.9rem}
@media (max-width: 767px) {
  .gradio-container .main {padding: 12px !important}
  #sides > .column {display: contents}
  #sides > .column > * {flex: 1 1 100%}
  #boxes {order: 5}
}
</style>"""


def build(service: Service, folder: PrivateFolder) -> gr.Blocks:
    limits = service.limits

    def restore(
        photo: str | None, scale: float, strength: float, max_size: float, consistent: bool, canvas: str
    ) -> tuple:
        try:
            if photo is None:
                raise Refused(400, "choose a photo first")
            options = service.options(
                scale=int(scale), strength=float(strength), max_size=float(max_size), consistent=bool(consistent),
                canvas=CANVASES.get(canvas, canvas),
            )  # fmt: skip
            with service.turns.enter() as place:
                future = place.submit(lambda: show(Path(photo).read_bytes(), options))
            return future.result(limits.timeout)
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

    def show(data: bytes, options: Any) -> tuple:
        result = service.restore(data, options)
        place = folder.new()
        files = write_files(result, place / "files", file_name(data), service.about)
        pictures = place / "page"
        pictures.mkdir()
        return (
            summary(result),
            _slider(result, pictures),
            _save(boxed(result), pictures / "boxes.jpg"),
            [(_save(image, pictures / f"{i:03d}.png"), text) for i, (image, text) in enumerate(gallery(result))],
            *(str(path) for path in (files.photo, files.archive, files.table)),
        )

    def example() -> tuple[str, int]:
        return str(write_example(folder.new())), SCALE

    queued = {"queue": True, "concurrency_limit": limits.workers, "concurrency_id": "photos"}
    with gr.Blocks(title="faceprior", analytics_enabled=False) as page:
        gr.Markdown(HEAD.format(minutes=max(1, round(limits.keep / 60))))
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
                with gr.Accordion("Options", open=False):
                    scale = gr.Slider(1, 8, 4, step=1, label="Enlarge", info="times as large")
                    strength = gr.Slider(0, 1, 1, step=0.05, label="Strength", info="of the restored faces")
                    max_size = gr.Slider(8, 200, 60, step=1, label="Largest face", info="pixels; larger ones are left")
                    canvas = gr.Radio(
                        list(CANVASES), value=next(iter(CANVASES)), label="Rest of the photo",
                        info="enlarged by a small network, or by Lanczos",
                    )  # fmt: skip
                    consistent = gr.Checkbox(False, label="Consistent: agree with the photo's own pixels exactly")
                boxes = gr.Image(
                    label="Found", type="filepath", interactive=False, buttons=["fullscreen"], elem_id="boxes"
                )
            with gr.Column(scale=3, min_width=320):
                said = gr.Markdown("Drop a photo, or try the example.", elem_id="summary")
                slider = gr.ImageSlider(
                    label="Enlarged | restored", type="filepath", max_height=560, buttons=["fullscreen"],
                    elem_id="slider", interactive=False,
                )  # fmt: skip
                with gr.Row():
                    files = [
                        gr.DownloadButton(text, min_width=80, size="md", elem_id=f"get-{name}")
                        for text, name in (("Photo", "photo"), ("All (zip)", "zip"), ("JSON", "json"))
                    ]
                faces = gr.Gallery(
                    label="Faces", columns=3, object_fit="contain", height="auto", buttons=["fullscreen"],
                    elem_id="faces", interactive=False, fit_columns=False,
                )  # fmt: skip
        gr.Markdown(RESPONSIBLE, elem_id="note")

        inputs = [photo, scale, strength, max_size, consistent, canvas]
        outputs = [said, slider, boxes, faces, *files]
        queued["show_progress_on"] = slider  # not on each of the outputs
        gr.on([go.click, photo.upload], restore, inputs, outputs, api_name="upscale", **queued)
        drawn = sample.click(example, None, [photo, scale], api_visibility="private")
        drawn.then(restore, inputs, outputs, api_visibility="private", **queued)
    page.queue(max_size=limits.queue, default_concurrency_limit=limits.workers, api_open=False)
    # `_check_allowed` of Gradio looks at files that clients name only after a launch, which mounting is not.
    page.has_launched = True
    return page


def theme() -> gr.themes.Base:
    """Fonts by plain names: Gradio's own themes ask Google for theirs."""
    return gr.themes.Default(font=FONTS, font_mono=MONO)


def _slider(result: PhotoResult, folder: Path) -> tuple[str, str]:
    before, after = before_after(result)
    return _save(before, folder / "before.jpg"), _save(after, folder / "after.jpg")


def _save(picture: Image.Image, path: Path) -> str:
    picture.save(path, quality=92) if path.suffix == ".jpg" else picture.save(path)
    return str(path)
