"""`faceprior upscale`: photos in, photos with their faces restored out; or cropped faces in, 128x128 faces out."""

import sys
from pathlib import Path

import typer

from ..errors import FacepriorError, one_line

PHOTOS, RUN = "Photos", "Running"


def upscale(
    context: typer.Context,
    inputs: list[str] = typer.Argument(..., help="Files, folders or globs (quoted)."),
    output: str = typer.Option("out", "-o", "--out", help="Folder for the results, or a file for one photo."),
    model: str | None = typer.Option(None, help="A packaged model, an .onnx or .safetensors file, a run folder."),
    sharp: bool = typer.Option(
        False, "--sharp", help="The model's perceptual variant: sharper, and a little further from the truth."
    ),
    sharpness: float | None = typer.Option(
        None, min=0, max=1, help="Between the plain model (0) and --sharp (1): less of both its gain and its cost."
    ),
    recursive: bool = typer.Option(False, "-r", "--recursive", help="Look into sub-folders."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace results of an earlier run (never an input)."),
    sheet: bool = typer.Option(True, "--sheet/--no-sheet", help="A contact sheet: every face at a glance."),
    cropped: bool = typer.Option(False, "--cropped", help="Every input is one face already cut out, of any size."),
    heatmaps: bool = typer.Option(
        False, "--heatmaps", help="Cropped faces: also <name>.heatmaps.png, the four components in colour."
    ),
    table: bool = typer.Option(
        False, "--json", help="Cropped faces: also faces.json, transforms, components, model and version."
    ),
    photos: bool = typer.Option(
        False, "--photos", help="No input is a cut face, however small.", rich_help_panel=PHOTOS
    ),
    scale: float = typer.Option(
        4, help="How many times as large the photo becomes, 1-8; also 1.5.", show_default="4", rich_help_panel=PHOTOS
    ),
    strength: float = typer.Option(1.0, help="0 the photo enlarged, 1 the restored faces.", rich_help_panel=PHOTOS),
    min_size: float = typer.Option(8.0, help="Leave smaller faces, in pixels of the photo.", rich_help_panel=PHOTOS),
    max_size: float = typer.Option(
        60.0, help="Leave faces that hold more pixels of detail (60: not in images of at most 256).",
        rich_help_panel=PHOTOS,
    ),
    min_score: float = typer.Option(
        0.0, help="Leave faces of which the detector is less sure, 0-1.", rich_help_panel=PHOTOS
    ),
    faces: str | None = typer.Option(None, help="Only these, as numbered on the sheet: 1,3.", rich_help_panel=PHOTOS),
    consistent: bool = typer.Option(
        False, "--consistent", help="Make each face agree with the photo's own pixels.", rich_help_panel=PHOTOS
    ),
    keep_sharpening: bool = typer.Option(
        False,
        "--keep-sharpening",
        help="Enlarge what a camera or a program sharpened as it is; else that is measured and taken out first.",
        rich_help_panel=PHOTOS,
    ),
    keep_softness: bool = typer.Option(
        False,
        "--keep-softness",
        help="Enlarge what a lens or a scanner left soft as soft as it is; else that is measured and made good first.",
        rich_help_panel=PHOTOS,
    ),
    canvas: str = typer.Option(
        "auto",
        help="What enlarges all but the faces: network, faces (the network around them, lanczos beyond), lanczos, or "
        "auto: the network where it takes up to a minute, else faces (as of videos).",
        rich_help_panel=PHOTOS,
    ),
    faces_only: bool = typer.Option(
        False, "--faces-only", help="Do not write photos in which nothing was restored.", rich_help_panel=PHOTOS
    ),
    boxes: Path | None = typer.Option(
        None, help="Faces from a JSON file instead of a detector.", rich_help_panel=PHOTOS
    ),
    detector: str = typer.Option("auto", help="auto, yunet, embedded (no download).", rich_help_panel=PHOTOS),
    detector_weights: Path | None = typer.Option(
        None, help="YuNet's file, else $FACEPRIOR_DETECTOR_WEIGHTS or fetched once.", rich_help_panel=PHOTOS
    ),
    offline: bool = typer.Option(False, "--offline", help="Fetch nothing.", rich_help_panel=PHOTOS),
    any_turn: bool = typer.Option(
        False,
        "--any-turn",
        help="Find faces of every turn in one photo. (A photo that lies on its side is noticed by itself.)",
        rich_help_panel=PHOTOS,
    ),
    keep_gps: bool = typer.Option(
        False, "--keep-gps", help="Keep where the photo was taken in the result's metadata.", rich_help_panel=PHOTOS
    ),
    jobs: int | None = typer.Option(
        None, "-j", "--jobs", min=1, help="Photos at a time, which share the threads (default: up to 4, by the cores).",
        rich_help_panel=PHOTOS,
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Skip photos done before with the same settings.", rich_help_panel=PHOTOS
    ),
    device: str = typer.Option("auto", help="auto, cpu, cuda, coreml, dml, mps.", rich_help_panel=RUN),
    threads: int | None = typer.Option(
        None, min=1, help="CPU threads (default: all that may be used).", rich_help_panel=RUN
    ),
    backend: str = typer.Option("auto", help="auto, onnx, openvino, torch.", rich_help_panel=RUN),
    precision: str = typer.Option(
        "f32", help="f32, or bf16 with the backends openvino and torch.", rich_help_panel=RUN
    ),
    pixel_limit: bool = typer.Option(
        True,
        "--pixel-limit/--no-pixel-limit",
        help="Refuse images of more than 179 megapixels, which may be decompression bombs.",
        rich_help_panel=RUN,
    ),
    engine: str = typer.Option(
        "local",
        help="local, or ray: millions of images on many machines, also s3:// and gs:// (docs/scale.md).",
        rich_help_panel=RUN,
    ),
) -> None:
    """Restore the small faces of photos and videos, or faces that are already cut out.

    Faces are looked for in every image, restored and put back, and the photo is enlarged. Small square images in
    which no face is found are taken for a cut face: their central square becomes upright, 128x128. --photos and
    --cropped say otherwise.
    """
    from ..photo.canvas import canvas_loader
    from ..photo.decode import any_number_of_pixels
    from ..photo.detect import make_detector
    from ..photo.options import PhotoOptions
    from ..runtime.threads import side_by_side
    from ..runtime.upscaler import load
    from .bulk import check_local, restore_bulk
    from .cropped import Options, upscale_cropped
    from .inputs import check_output, find_files, left_in_folders
    from .photos import jobs_for, numbers, one_file, restore_photos
    from .progress import counting
    from .videos import SUFFIXES as CLIPS
    from .videos import chosen, restore_videos

    if cropped and photos:
        raise FacepriorError("--cropped and --photos: choose one")
    photo_options = PhotoOptions(
        scale, strength, min_size, max_size, numbers(faces), consistent, canvas=canvas, faces_only=faces_only,
        kind="photo" if photos else "auto", min_score=min_score, place=keep_gps,
        keep_sharpening=keep_sharpening, keep_softness=keep_softness,
    )  # fmt: skip
    if engine not in ("local", "ray"):
        raise FacepriorError(f"--engine {engine}: expected local or ray")
    if engine == "ray":
        restore_bulk(context, photo_options)
        return
    for given, name in ((heatmaps, "--heatmaps"), (table, "--json")):
        if given and not cropped:
            raise FacepriorError(f"{name}: goes with --cropped; photos have a JSON and heatmaps of their own always")
    for named, name in ((boxes is not None, "--boxes"), (resume, "--resume")):
        if named and cropped:
            raise FacepriorError(f"{name}: is for photos; it does not go with --cropped")
    if not output:
        raise FacepriorError("-o: an empty name (a variable of the shell that is not set?)")
    check_local([*inputs, output])
    out = Path(output)
    files, missing = find_files(inputs, recursive=recursive)
    if not cropped and (left := left_in_folders(inputs, CLIPS, files, recursive=recursive)):
        many = f"{left[0]}, a video, is left" if len(left) == 1 else f"{len(left)} videos are left, {left[0]} the first"
        print(one_line(f"note: {many}: a folder gives its images; name videos, or a pattern"), file=sys.stderr)
    if not files:
        raise FacepriorError("; ".join(f"{name}: {reason}" for name, reason in missing))
    videos = [] if cropped else chosen(files)
    if videos and boxes is not None:
        raise FacepriorError(f"{videos[0]}: --boxes is for photos")
    check_output(out, one_photo=not cropped and not videos, clips=CLIPS)
    files = [file for file in files if file not in set(videos)]
    with any_number_of_pixels(not pixel_limit):
        cut, whole = (files, []) if cropped else ([], files)
        together = jobs or 1
        if jobs is None and not videos:  # which want all threads
            together, threads = side_by_side(len(whole), threads)
        upscaler = load(
            model, backend=backend, device=device, threads=threads, precision=precision, sharp=sharp,
            sharpness=sharpness,
        )  # fmt: skip
        info = upscaler.info
        if jobs is None and info.device != "cpu":  # one photo fills a GPU
            together = 1
        painter = canvas_loader(backend=backend, threads=threads, precision=precision)
        about = f"(model {info.name} {info.version}, {info.backend} on {info.device})"
        failed, done = list(missing), 0

        if cut:
            keep = {"keep_sharpening": keep_sharpening, "keep_softness": keep_softness}
            options = Options(heatmaps, table, sheet, overwrite, place=keep_gps, **keep)
            with counting("Faces", len(cut)) as advance:
                report = upscale_cropped(cut, out, upscaler, options, advance)
            failed += report.failed
            done += report.done
            if not report.done:
                more = f" (and {len(failed) - 1} more inputs failed)" if len(failed) > 1 else ""
                raise FacepriorError(f"{failed[0][0]}: {failed[0][1]}{more}; nothing was written")
            tail = f"; {len(failed)} failed" if failed else ""
            for name, doubt in report.doubtful:
                print(one_line(f"doubtful: {name}: {doubt}"), file=sys.stderr)
            doubts = f" ({len(report.doubtful)} doubtful)" if report.doubtful else ""
            faces_done = f"{report.done} face{'' if report.done == 1 else 's'}"
            print(one_line(f"{faces_done}{doubts} -> {out}{tail} {about}"))
            for name, said in (("sharpening", "sharpened"), ("softness", "soft")):
                if count := report.undone[name]:
                    were = "was" if count == 1 else "were"
                    many = "it" if report.done == 1 else f"{count} of them"
                    print(f"{many} {were} {said}: restored without that; --keep-{name} keeps it")
            if report.sheet_left_out > 0:
                print(f"the contact sheet leaves out the last {report.sheet_left_out}")
        for name, reason in failed:
            print(one_line(f"failed: {name}: {reason}"), file=sys.stderr)
        if whole:
            roots = [text for text in inputs if text not in dict(missing)]
            target = one_file(out, len(whole)) if not videos else None
            summary = restore_photos(
                jobs_for(whole, roots), out, upscaler, photo_options, boxes=boxes,
                detector=detector, weights=detector_weights, offline=offline, any_turn=any_turn, threads=threads,
                workers=together, resume=resume, overwrite=overwrite, sheet=sheet, target=target, canvas=painter,
                protected=[boxes] if boxes is not None else (),
            )  # fmt: skip
            for line in summary.advice(photo_options):
                print(line, file=sys.stderr)
            print(one_line(f"{summary.text()} -> {out} {about}"))
            failed += [(str(outcome.photo), outcome.reason) for outcome in summary.failed]
            done += len(summary.outcomes) - len(summary.failed)
            if target is not None and summary.count("done") and not summary.outcomes[0].written:
                raise typer.Exit(1)  # a file was named, and is not there
        if videos:
            # auto_turn: a frame without faces must not cost as much as four.
            finder = make_detector(
                detector, weights=detector_weights, any_turn=any_turn, auto_turn=False, threads=threads,
                offline=offline,
                warn=lambda text: print(one_line(f"warning: {text}"), file=sys.stderr),
            )  # fmt: skip
            others = [file.stem for file in whole]
            bad = restore_videos(
                videos, out, upscaler, finder, photo_options, reserved=others, overwrite=overwrite, sheet=sheet,
                canvas=painter,
            )  # fmt: skip
            failed += bad
            done += len(videos) - len(bad)
    if failed:
        raise typer.Exit(1 if done else 2)
