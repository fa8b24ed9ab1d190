"""One photo: find the faces, cut them, run the network on all of them at once, put them back."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..face.frame import Frame
from ..face.trained import PAPER
from ..runtime.canvas import CanvasNetwork
from .around import Place
from .blend import face_strength, is_rough
from .boxes import Detection, reading_order
from .canvas import NOTHING, PATIENCE, Progress, packaged_canvas, paint
from .choice import network_for, size_of
from .consistency import enforce, lr_consistency
from .cut import cut_lr, face_frame
from .cutface import Given, may_be_cut, restore_cut
from .decode import DecodedImage
from .deep import brought_to_size, deepened
from .enlarge import brought_to, enlarge, fitting_scale
from .judge import clearness
from .looks import SECOND_LOOKS, believable, centred, is_off_centre
from .mask import components
from .metadata import Metadata
from .options import PhotoOptions
from .own import own_pixels, own_size
from .paste import Restored, paste
from .quality import conditions, noise_level, told
from .restraint import restraint
from .result import PhotoFace, PhotoResult
from .said import advice, left_faces, response_note, soft_note
from .seen import Seen
from .softened import named
from .tint import tint_of
from .warp import upright_to_photo

Detector = Callable[[np.ndarray], list[Detection]]  # uint8 (H, W, 3) -> faces

BATCH = 64  # faces a run of the network: bounds its memory on a photo of a crowd
LARGEST = 4  # times the photo's pixels: what a cut may have. That of a box within the photo has half as many at most


class Network(Protocol):
    """What is asked of an `Upscaler`: uint8 (N, size, size, 3) -> images, heatmaps, transforms.

    It may have `size` (else 16), `trained` (`face/trained.py`; else the paper's), by which predicted transforms are
    judged, `locate`, which gives the transforms alone, `larger`, the network for larger faces, `no_face`, the least
    `clearness` of a face, and a `sharpness`, of which it then takes a `restraint`. It may be `told`: then it takes a
    `condition` (N, 2); and `aligned`: then it takes what `locate` gave as `transforms`, and does not look again.
    """

    def __call__(self, lr: np.ndarray) -> "NetworkResult": ...


class NetworkResult(Protocol):
    images: np.ndarray  #     uint8 (N, 128, 128, 3)
    heatmaps: np.ndarray  #   float32 (N, 4, 64, 64)
    transforms: np.ndarray  # float32 (N, 2, 3)


def upscale_photo(
    image: DecodedImage | np.ndarray,
    network: Network,
    detector: Detector | Sequence[Detection],
    options: PhotoOptions = PhotoOptions(),
    *,
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> PhotoResult:
    """A decoded photo (or uint8 (H, W, 3)), a network, and a detector or the faces themselves -> the result.

    canvas: gives the network that enlarges the photo, when it is wanted; progress: told after each of its tiles;
    patience: seconds that it may take where it is not asked for
    """
    picture = image if isinstance(image, DecodedImage) else DecodedImage(np.asarray(image))
    rgb = picture.rgb
    notes = [picture.note] if picture.note else []
    if options.kind == "cropped":
        return cropped_face(picture, network, options, notes)

    found = detector(rgb) if callable(detector) else list(detector)
    if not found and callable(detector) and options.kind == "auto" and may_be_cut(*rgb.shape[:2]):
        taken = f"no face found in {rgb.shape[1]}x{rgb.shape[0]}: taken for a face that is cut out"
        result = cropped_face(picture, network, options, [*notes, taken])
        if result.faces[0].status == "restored":
            return result
        notes.append(f"no face found, and it is hardly a cut one: {result.faces[0].reason}")
    faces = [PhotoFace(i, d, face_frame(d)) for i, d in enumerate(reading_order(found), 1)]
    if not faces and len(notes) == bool(picture.note):
        notes.append("no face found")
    if turned := turned_as_a_whole(found):
        notes.append(f"its faces lie {turned}: restored as they lie")
    if options.faces is not None and (absent := [n for n in options.faces if n > len(faces)]):
        notes.append(f"there is no face {', '.join(map(str, absent))}: {len(faces)} found")
    most = options.most(*rgb.shape[:2])
    height, width = rgb.shape[:2]
    scale = fitting_scale(width, height, options.scale, options.max_pixels)
    wanted = [face for face in faces if _wanted(face, rgb, options)]
    matters = wanted or options.canvas in ("auto", "network")
    given = Seen.of(picture, scale, options, wanted) if matters else Seen(rgb)
    seen, response = given.rgb, given.response
    groups: dict[int, tuple[Network, list[PhotoFace]]] = {}
    for face in wanted:
        one, face.detail = network_for(network, seen, face.frame)
        if face.detail > most:
            face.reason = f"too large: {face.detail:.0f} px of detail > {most:g}"
        else:
            groups.setdefault(id(one), (one, []))[1].append(face)
    noise = noise_level(seen) if wanted and getattr(network, "sharpness", 0) > 0 else 0.0
    condition = None
    if any(getattr(one, "told", False) for one, _ in groups.values()):
        condition = told(rgb, picture.quality, seen)
    for one, members in groups.values():
        _restore(members, seen, one, options, noise, condition)
    chosen = [face for _, members in groups.values() for face in members]
    # The whole photo decides: a face's few pixels may seem to have one tint where the photo has many.
    tint = tint_of(rgb)
    if tint is not None:
        for face in chosen:
            face.image = None if face.image is None else tint.apply(face.image)

    advised = advice(left_faces(faces), options)
    if options.faces_only and not any(face.restored for face in faces):
        return PhotoResult(
            rgb, Image.fromarray(rgb), 1, faces, None, picture.icc, notes, canvas=NOTHING, mode=picture.mode,
            advice=advised, deep=picture.deep,
        )  # fmt: skip
    whole = math.ceil(scale)  # a fraction is made of the next whole scale, in the end
    if scale < options.scale:
        notes.append(
            f"enlarged {scale:g} times, not {options.scale:g}: more than {options.max_pixels / 1e6:.0f} megapixels"
        )
    places = [Place.of(face.frame, face.transform) for face in chosen if face.restored] if options.strength > 0 else []
    about = {"faces": places, "quality": picture.quality, "condition": condition, "seen": seen}
    large, painted = paint(rgb, whole, options.canvas, canvas, **about, progress=progress, patience=patience)
    if painted.note:
        notes.append(painted.note)
    if painted.kind != "network" and not any(face.restored for face in chosen):
        response = None  # nothing was made of it
    if response is not None:
        done = "enlarged" if painted.kind == "network" else "its faces are restored"
        notes.append(response_note(response, done))
    if restored := [face.softness for face in given.soft if face.restored]:
        notes.append(soft_note(restored))
    if tint is not None and tint.curve is None and painted.kind in ("network", "faces"):  # which sees three channels
        large = large.convert("L").convert("RGB")
    # Small ones, which stand behind, first.
    for face in sorted((f for f in chosen if f.restored), key=lambda f: f.size):
        detail = min(face.detail, face.size)  # of the frame as it is now, moved by the looks
        restored = Restored(face.frame, face.image, face.heatmaps, face.transform, detail, len(face.lr))
        keep = 1.0 if options.consistent else None
        trusted = is_rough(painted.condition) and not options.consistent
        strength = options.strength * face_strength(detail, face.size, face.lr_consistency, painted.condition)
        region = paste(large, seen, restored, whole, strength=strength, keep_detail=keep, trust_canvas=trusted)
        if region is None and options.strength > 0:
            face.status, face.reason = "left", "outside the photo"
    deep = picture.deep
    if deep is not None:
        deep = deepened(large, rgb, deep, whole, grey=picture.mode == "L")
    large = brought_to(large, width, height, scale)
    if deep is not None:
        deep = brought_to_size(deep, large.size)
    alpha = None
    if picture.alpha is not None:
        alpha = brought_to(enlarge(picture.alpha, whole), width, height, scale)
    metadata = picture.metadata or Metadata()
    metadata = metadata if options.place else metadata.without_place()
    return PhotoResult(
        rgb, large, scale, faces, alpha, picture.icc, notes, canvas=painted, mode=picture.mode, metadata=metadata,
        advice=advised, deep=deep, **named(response),
    )  # fmt: skip


def turned_as_a_whole(found: Sequence[Detection]) -> str | None:
    """How a photo lies all of whose faces are turned alike."""
    turns = {face.turn for face in found}
    words = {1: "on their right side", 2: "on their head", 3: "on their left side"}
    return words.get(turns.pop()) if len(turns) == 1 else None


def cropped_face(picture: DecodedImage, network: Network, options: PhotoOptions, notes: list[str]) -> PhotoResult:
    """A picture that is one face: its central square -> the upright face, 128x128."""
    keeps = {name: keep or options.consistent for name, keep in options.keeps.items()}
    given = Given.of(picture, network, place=options.place, **keeps)
    (cut,) = restore_cut([given])
    if not cut.finite:
        raise FacepriorError("the network gave numbers that are not finite")
    if given.response is not None:
        notes.append(response_note(given.response))
    rgb = picture.over()
    height, width = rgb.shape[:2]
    side = min(height, width)
    y, x = (height - side) // 2, (width - side) // 2
    frame = given.in_picture(cut.frame)
    frame = Frame((frame.centre[0] - x, frame.centre[1] - y), frame.right, frame.side)
    face = PhotoFace(1, Detection((0.0, 0.0, float(side), float(side))), frame)
    face.status, face.reason = ("doubtful", cut.doubt) if cut.doubt else ("restored", None)
    face.network = getattr(getattr(given.network, "info", None), "name", None)
    face.lr, face.image, face.heatmaps, face.transform = cut.lr, cut.image, cut.heatmaps, cut.transform
    if options.consistent:
        face.image = enforce(face.image, face.lr, face.transform)
    face.components = components(cut.heatmaps, upright_to_photo(frame, cut.transform))
    face.lr_consistency = lr_consistency(face.image, cut.lr, cut.transform)
    photo = Image.fromarray(face.image)
    scale = photo.width / side
    square = rgb[y : y + side, x : x + side]
    return PhotoResult(
        square, photo, scale, [face], None, picture.icc, notes, kind="cropped", mode=given.mode,
        metadata=given.metadata, **named(given.response),
    )  # fmt: skip


def _wanted(face: PhotoFace, rgb: np.ndarray, options: PhotoOptions) -> bool:
    """Whether a network is to restore it; where not, the reason is written on the face."""
    if options.faces is not None and face.number not in options.faces:
        face.reason = "not chosen"
    elif face.detection.score < options.min_score:
        face.reason = f"unsure: score {face.detection.score:.2f} < {options.min_score:g}"
    elif face.size < options.min_size:
        face.reason = f"too small: {face.size:.0f} px < {options.min_size:g}"
    elif face.size**2 > LARGEST * rgb.shape[0] * rgb.shape[1]:
        face.reason = f"larger than the photo: {face.size:.0f} px"
    else:
        return True
    return False


def _restore(
    faces: list[PhotoFace],
    rgb: np.ndarray,
    network: Network,
    options: PhotoOptions,
    noise: float,
    condition: tuple[float, float] | None,
) -> None:
    """Looks that tell where a face lies in its cut need the STN alone; the whole network runs once a face."""
    trained, size = getattr(network, "trained", PAPER), size_of(network)
    name = getattr(getattr(network, "info", None), "name", None)
    locate = getattr(network, "locate", None) or (lambda lr: network(lr).transforms)
    for start in range(0, len(faces), BATCH):
        batch = faces[start : start + BATCH]
        _locate(batch, rgb, size, locate)
        for _ in range(SECOND_LOOKS):
            off = [face for face in batch if believable(face.transform, trained) and is_off_centre(face.transform)]
            for face in off:
                face.frame = centred(face.frame, face.transform)
            _locate(off, rgb, size, locate)
        alike: dict[int, list[PhotoFace]] = {}  # of one size, as a call wants them
        for face in batch:
            if believable(face.transform, trained):
                pixels = own_size(network, face.frame, face.detail)
                if pixels is not None:
                    face.lr, face.frame, face.transform = own_pixels(rgb, face.frame, face.transform, pixels)
                alike.setdefault(len(face.lr), []).append(face)
        for members in alike.values():
            _look(members, network, noise, condition)
        least = getattr(network, "no_face", 0.0)
        for face in batch:
            if least and face.image is not None and clearness(face.heatmaps) < least:
                face.image = None
            if face.image is None:
                face.reason = "the network sees no face there"
                continue
            face.status, face.network = "restored", name
            if options.consistent:
                face.image = enforce(face.image, face.lr, face.transform)
            face.components = components(face.heatmaps, upright_to_photo(face.frame, face.transform))
            face.lr_consistency = lr_consistency(face.image, face.lr, face.transform)


def _locate(faces: list[PhotoFace], rgb: np.ndarray, size: int, locate: Callable[[np.ndarray], np.ndarray]) -> None:
    """Cuts the faces as their frames say and notes where the network sees each in its cut."""
    if not faces:
        return
    for face in faces:
        face.lr = cut_lr(rgb, face.frame, size)
    for face, transform in zip(faces, locate(np.stack([face.lr for face in faces])), strict=True):
        face.transform = transform


def _look(faces: list[PhotoFace], network: Network, noise: float, condition: tuple[float, float] | None) -> None:
    """Gives the cuts to the whole network. condition: of the photo; None: the network is not told it."""
    if not faces:
        return
    given = {}
    if getattr(network, "sharpness", 0) > 0:
        given["restraint"] = np.array([restraint(face.detection, noise) for face in faces], np.float32)
    if condition is not None and getattr(network, "told", False):
        given["condition"] = conditions(condition, [face.frame for face in faces], len(faces[0].lr))
    if getattr(network, "aligned", False):
        given["transforms"] = np.stack([face.transform for face in faces])
    result = network(np.stack([face.lr for face in faces]), **given)
    for i, face in enumerate(faces):
        face.image, face.heatmaps, face.transform = result.images[i], result.heatmaps[i], result.transforms[i]
