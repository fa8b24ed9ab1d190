"""What a file says besides its pixels goes into the result: date, description, copyright, resolution, XMP, IPTC; the
place only where asked for; the orientation never twice."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from crafted_images import png
from PIL import ExifTags, Image, ImageCms, IptcImagePlugin, PngImagePlugin
from random_models import small_onnx
from test_tint import FACES, Painter

from faceprior.photo.decode import read_bytes
from faceprior.photo.metadata import Metadata, _cleaned
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.write import save_photo

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:e="http://ns.adobe.com/exif/1.0/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
    'tiff:Orientation="6" e:GPSLatitude="10,20.5N" hdrgm:Version="1.0" dc:rights="(c) Example">'
    "<e:GPSLongitude>7,1.0E</e:GPSLongitude><dc:title>Picnic</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x05\x00\x06Picnic\x1c\x02\x74\x00\x0b(c) Example"  # object name, copyright notice


def told() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Family picnic"
    exif[ExifTags.Base.Copyright] = "(c) Example"
    exif[ExifTags.Base.DateTime] = "1998:07:04 12:00:00"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "1998:07:04 12:00:00",
        ExifTags.Base.MakerNote: b"bound to its place" * 20,
        ExifTags.Base.ExifImageWidth: 96,
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (10.0, 20.0, 30.0)}
    return exif


def file_of(format: str) -> bytes:
    """96x72, stored on its side, with everything that the format holds."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    image = Image.fromarray(pixels).resize((96, 72), Image.Resampling.BICUBIC)
    saving: dict = {"exif": told()}
    if format == "JPEG":
        photoshop = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0" * (len(IPTC) % 2)
        xmp, head = XMP.encode(), b"http://ns.adobe.com/xap/1.0/\0"
        extra = b"\xff\xe1" + struct.pack(">H", len(xmp) + len(head) + 2) + head + xmp
        extra += b"\xff\xed" + struct.pack(">H", len(photoshop) + 16) + b"Photoshop 3.0\0" + photoshop
        saving |= {"extra": extra, "comment": b"scan 12", "dpi": (600, 300), "quality": 95}
    elif format == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Title", "Picnic")
        texts.add_text("exif:GPSLatitude", "10")
        texts.add_itxt("XML:com.adobe.xmp", XMP)
        saving |= {"pnginfo": texts, "dpi": (600, 300)}
    elif format == "TIFF":
        exif = Image.Exif()
        exif.load(told().tobytes())
        exif[700], exif[33723] = XMP.encode(), IPTC
        saving |= {"exif": exif, "dpi": (600, 300)}
    else:
        saving |= {"xmp": XMP.encode()}
    image.save(stream := io.BytesIO(), format, **saving)
    return stream.getvalue()


def result_of(data: bytes, name: str, folder: Path, **options) -> Image.Image:
    result = upscale_photo(read_bytes(data, name), Painter(), FACES, PhotoOptions(scale=2, **options))
    save_photo(result, folder / name)
    image = Image.open(folder / name)
    image.load()
    return image


NAMES = {"JPEG": "a.jpg", "PNG": "a.png", "TIFF": "a.tif", "WEBP": "a.webp"}


@pytest.mark.parametrize("format", NAMES)
def test_what_is_kept_and_what_is_not(format, tmp_path):
    name, data = NAMES[format], file_of(format)
    image = result_of(data, name, tmp_path)
    assert image.size == (144, 192)  # 96x72 on its side, upright, twice as large
    exif = image.getexif()
    assert exif[ExifTags.Base.ImageDescription] == "Family picnic" and exif[ExifTags.Base.Copyright] == "(c) Example"
    photo = exif.get_ifd(ExifTags.IFD.Exif)
    assert photo[ExifTags.Base.DateTimeOriginal] == exif[ExifTags.Base.DateTime] == "1998:07:04 12:00:00"
    assert (photo[ExifTags.Base.ExifImageWidth], photo[ExifTags.Base.ExifImageHeight]) == image.size
    assert ExifTags.Base.MakerNote not in photo and not exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    written = (tmp_path / name).read_bytes()
    assert b"GPSL" not in written and b"rientation=" not in written and b"hdr-gain-map" not in written
    assert b"Picnic" in written and b"(c) Example" in written
    if format != "WEBP":
        # On its side 600 across and 300 down are 300 across and 600 down; twice as many pixels, the same inches.
        assert tuple(round(v) for v in image.info["dpi"]) == (600, 1200)
    # Decoded once more, nothing is turned again.
    again = read_bytes(written, name)
    assert again.rgb.shape == (192, 144, 3)


@pytest.mark.parametrize("format", NAMES)
def test_the_place_is_kept_where_asked(format, tmp_path):
    image = result_of(file_of(format), NAMES[format], tmp_path, place=True)
    place = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert place[1] == "N" and tuple(float(v) for v in place[2]) == (10, 20, 30)
    written = (tmp_path / NAMES[format]).read_bytes()
    assert b"GPSLatitude" in written and b"GPSLongitude" in written


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_iptc(format, tmp_path):
    image = result_of(file_of(format), NAMES[format], tmp_path)
    found = IptcImagePlugin.getiptcinfo(image)
    assert found[(2, 5)] == b"Picnic" and found[(2, 116)] == b"(c) Example"


def test_texts_and_comments(tmp_path):
    assert result_of(file_of("PNG"), "a.png", tmp_path).text["Title"] == "Picnic"
    assert result_of(file_of("JPEG"), "a.jpg", tmp_path).info["comment"] == b"scan 12"


def test_a_result_of_another_format_keeps_what_that_holds(tmp_path):
    """A JPEG whose result is a PNG: transparency, or more than 65,535 pixels a side."""
    result = upscale_photo(read_bytes(file_of("JPEG"), "a.jpg"), Painter(), FACES, PhotoOptions(scale=1))
    save_photo(result, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.getexif()[ExifTags.Base.Copyright] == "(c) Example"
        assert "Picnic" in image.info["xmp" if "xmp" in image.info else "XML:com.adobe.xmp"].__str__()
        assert "Raw profile type iptc" in image.text and round(image.info["dpi"][1]) == 600


def test_nothing_is_invented(tmp_path):
    Image.new("RGB", (96, 72), (90, 80, 70)).save(stream := io.BytesIO(), "JPEG")
    image = result_of(stream.getvalue(), "a.jpg", tmp_path)
    assert "dpi" not in image.info and not image.getexif() and "comment" not in image.info and "xmp" not in image.info


def test_broken_metadata_costs_nothing_but_itself(tmp_path):
    data = file_of("JPEG")
    broken = (
        (b"Exif\0\0MM", b"Exif\0\0XX"),
        (b"<rdf:RDF", b"<rdf:RDG"),
        (b"\x1c\x02\x05", b"\x00\x02\x05"),
        (b"1998:07:04", b"\xff\xfe\x00:07:04"),
    )
    for right, instead in broken:
        wrong = data.replace(right, instead)
        assert wrong != data
        image = result_of(wrong, "a.jpg", tmp_path)
        assert min(image.size) >= 144
        (tmp_path / "a.jpg").unlink()
    assert _cleaned(b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>") is None and _cleaned(b"<x") is None
    huge = Metadata(exif={ExifTags.Base.Artist: "x" * 16_000}, photo={37510: b"y" * 16_000}, xmp=b"<x>" + b"z" * 70_000)
    for format in ("JPEG", "PNG", "TIFF", "WEBP"):
        huge.save(Image.new("RGB", (9, 9)), stream := io.BytesIO(), format, 4)
        assert read_bytes(stream.getvalue(), "x").rgb.shape == (9, 9, 3)


def test_a_gain_map_is_said_to_be_left_out(tmp_path):
    picture = read_bytes(file_of("JPEG"), "a.jpg")
    assert "gain map" in picture.note
    assert "gain map" not in (read_bytes(file_of("JPEG").replace(b"hdr-gain-map", b"hdr-gane-map"), "a.jpg").note or "")


def test_the_largest_page_is_the_photo(tmp_path):
    pages = [
        Image.new("RGB", size, colour)
        for size, colour in (((80, 50), "red"), ((320, 200), "green"), ((320, 200), "blue"))
    ]
    pages[0].save(stream := io.BytesIO(), "TIFF", save_all=True, append_images=pages[1:])
    found = read_bytes(stream.getvalue(), "a.tif")
    assert found.rgb.shape == (200, 320, 3) and tuple(found.rgb[0, 0]) == (0, 128, 0)
    assert found.note == "page 2 of 3, the largest"


def test_a_later_page_is_held_to_the_limit_of_pixels(monkeypatch):
    from faceprior.photo.decode import TooManyPixels, read_stream
    from faceprior.web.limits import Limits, Refused, read_photo

    pages = [Image.new("L", size) for size in ((20, 20), (600, 500))]
    pages[0].save(stream := io.BytesIO(), "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(TooManyPixels, match="too many pixels"):
        read_stream(stream.getvalue(), most=200_000)
    with pytest.raises(Refused, match="too many pixels") as refused:
        read_photo(stream.getvalue(), Limits(max_pixels=200_000))
    assert refused.value.status == 413


def test_sixteen_bits_of_a_later_page(tmp_path):
    """The page is sought in both readings of such colours."""
    small, large = (np.full((h, w, 3), v, np.uint8) for h, w, v in ((8, 8, 10), (24, 32, 200)))
    pages = [Image.fromarray(page) for page in (small, large)]
    pages[0].save(stream := io.BytesIO(), "TIFF", save_all=True, append_images=pages[1:])
    assert (read_bytes(stream.getvalue(), "a.tif").rgb == 200).all()


def test_heic_names_what_it_needs(monkeypatch):
    from faceprior import FacepriorError
    from faceprior.photo import decode

    monkeypatch.setattr(decode, "register_heif", lambda: None)
    monkeypatch.setattr(decode, "formats", lambda: ["JPEG", "PNG"])
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)
    for name in ("a.heic", "a.jpg"):  # whatever it is called
        with pytest.raises(FacepriorError, match=r"HEIC needs pillow-heif: pip install 'faceprior\[heic\]'"):
            read_bytes(data, name)


def test_heic_is_read_upright(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs faceprior[heic]")
    pillow_heif.register_heif_opener()
    exif = told()
    Image.effect_mandelbrot((64, 48), (-2, -1, 1, 1), 50).convert("RGB").save(stream := io.BytesIO(), "HEIF", exif=exif)
    found = read_bytes(stream.getvalue(), "a.jpg")
    with Image.open(stream) as image:  # libheif has turned it
        assert found.rgb.shape[1::-1] == image.size
    assert found.metadata.exif[ExifTags.Base.Copyright] == "(c) Example" and found.metadata.place


def test_the_flag(faceprior, tmp_path):  # noqa: F811
    (tmp_path / "a.jpg").write_bytes(file_of("JPEG"))
    for extra, kept in (([], False), (["--keep-gps"], True)):
        out = tmp_path / f"out{kept}"
        ran = faceprior("upscale", "--cropped", tmp_path / "a.jpg", "--model", small_onnx(), "-o", out, *extra)
        assert ran.status == 0, ran.err
        with Image.open(out / "a.png") as image:
            assert image.getexif()[ExifTags.Base.Copyright] == "(c) Example"
            assert bool(image.getexif().get_ifd(ExifTags.IFD.GPSInfo)) == kept


@pytest.mark.data
def test_the_case(data_folder, tmp_path):
    case = data_folder.parent / "cases" / "dated.jpg"
    if not case.exists():
        pytest.skip("no folder of cases beside the data")
    image = result_of(case.read_bytes(), "dated.jpg", tmp_path)
    exif = image.getexif()
    assert exif[ExifTags.Base.ImageDescription] == "Family picnic" and exif[ExifTags.Base.Copyright] == "(c) Example"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "1998:07:04 12:00:00"
    assert image.info["dpi"] == (1200, 1200) and not exif.get_ifd(ExifTags.IFD.GPSInfo) and "xmp" in image.info
    assert result_of(case.read_bytes(), "dated.jpg", tmp_path, place=True).getexif().get_ifd(ExifTags.IFD.GPSInfo)


PQ = bytes([9, 16, 0, 1])  # primaries of BT.2020, the curve of PQ


def chunks_of(data: bytes) -> dict[bytes, bytes]:
    at, found = 8, {}
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found[kind] = data[at + 8 : at + 8 + length]
        at += 12 + length
    return found


@pytest.mark.parametrize("depth", [8, 16])
def test_what_a_png_says_of_its_colours_is_said_of_the_result(depth, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3 * depth // 8), np.uint8)
    chunks = {b"gAMA": struct.pack(">I", 100_000), b"cHRM": struct.pack(">8I", *range(10, 18)), b"cICP": PQ}
    data = png(30, 20, depth, 2, pixels.tobytes(), *chunks.items(), (b"iXYz", b"4"))
    result = upscale_photo(read_bytes(data, "a.png"), Painter(), [], PhotoOptions(canvas="lanczos", kind="photo"))
    save_photo(result, tmp_path / "a.png")
    found = chunks_of((tmp_path / "a.png").read_bytes())
    assert {kind: found.get(kind) for kind in chunks} == chunks
    save_photo(result, tmp_path / "a.jpg")  # which has no place for it


def test_a_profile_goes_before_gamma_and_wrong_lengths_are_left_out():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = (b"iCCP", b"x\0\0" + zlib.compress(srgb))
    data = png(2, 1, 8, 2, bytes(6), profile, (b"gAMA", struct.pack(">I", 45455)), (b"cICP", PQ))
    assert read_bytes(data, "a.png").metadata.colours == {"cICP": PQ}
    assert read_bytes(png(2, 1, 8, 2, bytes(6), (b"cICP", PQ + b"\0")), "a.png").metadata.colours == {}


def test_an_avif_of_wide_colours_becomes_a_png_that_says_so(tmp_path):
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), (200, 90, 30)).save(stream, "AVIF", quality=95)
    plain = stream.getvalue()
    at = plain.index(b"colrnclx") + 8
    assert read_bytes(plain, "a.avif").metadata.colours == {}
    wide = plain[:at] + struct.pack(">HH", 9, 16) + plain[at + 4 :]
    result = upscale_photo(read_bytes(wide, "a.avif"), Painter(), [], PhotoOptions(canvas="lanczos", kind="photo"))
    save_photo(result, tmp_path / "a.png")
    assert chunks_of((tmp_path / "a.png").read_bytes())[b"cICP"] == PQ
