"""The preview: from the first megabyte of a file to a description."""

from __future__ import annotations

import io
import json
import struct
import sys
import zlib

import h5py
import numpy as np
import pytest

from asimov.storage.widgets import _preview
from asimov.storage.widgets._preview import LIMIT, preview

EXPECTED_JSON = r"""{
  "a": [1.10, 2e400,
    {
      "b": []
    }
  ],
  "a": "<b>\u202e\n",
  "c": {}
}"""


@pytest.fixture
def describe(tmp_path):
    """Give a function that writes content under a name, and previews the file."""

    def describe(content, name="file"):
        path = tmp_path / "stored"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with path.open("rb") as file:
            return preview(file, name)

    return describe


def png(width, height, extra=b""):
    """Return a PNG that a browser shows."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(width) for _ in range(min(height, 64))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"") + extra


def test_text_is_shown_as_it_is(describe):
    """A text file is shown whole, whatever stands in it."""
    found = describe("<script>alert(1)</script>\r\nmass é 漢字 \u202egnp.exe\n", "notes.txt")
    assert (found.kind, found.type, found.note) == ("text", "text", "")
    assert found.text == "<script>alert(1)</script>\nmass é 漢字 \u202egnp.exe\n"


@pytest.mark.parametrize(
    ("name", "kind"), [("a.svg", "SVG, as text"), ("a.html", "HTML, as text"), ("a.xml", "XML text"), ("a", "text")]
)
def test_markup_is_only_ever_text(describe, name, kind):
    """SVG, HTML and XML are described as text, under their names."""
    found = describe("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", name)
    assert (found.kind, found.type) == ("text", kind)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_and_without_a_mark_is_read(describe, encoding):
    """Text in UTF-8, and in other encodings of Unicode that say so, is read, and the mark isn't shown."""
    found = describe("χ_eff = 0.3".encode(encoding), "notes.txt")
    assert (found.kind, found.text) == ("text", "χ_eff = 0.3")


def test_latin_1_is_read_and_said(describe):
    """Text that is no UTF-8 is read as Latin-1, and the note says so."""
    found = describe("naïve".encode("latin-1"), "notes.txt")
    assert (found.kind, found.text, found.note) == ("text", "naïve", "It is not UTF-8, and shown as Latin-1.")


def test_a_character_cut_in_two_at_the_limit_is_left_out(describe):
    """Where the first megabyte ends in the middle of a character, the text before it is shown."""
    found = describe("a" + "é" * LIMIT, "notes.txt")
    assert found.kind == "text"
    assert "\ufffd" not in found.text


def test_a_long_text_is_cut_and_said(describe):
    """Of a long text, some lines are shown, and the note says so."""
    found = describe("line\n" * 5000, "notes.txt")
    assert found.text.count("\n") == _preview.LINES
    assert found.note == "Only the beginning is shown."
    found = describe("x" * 5000, "notes.txt")
    assert found.text == "x" * _preview.LINE_CHARACTERS + "…"
    found = describe(("y" * 1500 + "\n") * 600, "notes.txt")
    assert len(found.text) <= _preview.CHARACTERS + 2


def test_json_is_indented_with_numbers_as_they_are_spelled(describe):
    """JSON is indented; numbers keep their digits, repeated keys stay, and strings stay escaped."""
    found = describe(r'{"a":[1.10,2e400,{"b":[]}],"a":"<b>\u202e\n","c":{}}', "posterior.json")
    assert (found.kind, found.type, found.note) == ("json", "JSON", "")
    assert found.text == EXPECTED_JSON


def test_json_of_more_than_a_megabyte_is_indented_as_far_as_it_goes(describe):
    """The beginning of a large JSON file is shown as JSON, and the note says that it's the beginning."""
    content = json.dumps({"posterior": {f"parameter_{i}": list(range(2000)) for i in range(100)}})
    assert len(content) > LIMIT
    found = describe(content, "result.json")
    assert (found.kind, found.note) == ("json", "Only the beginning is shown.")
    assert found.text.startswith('{\n  "posterior": {\n    "parameter_0": [0, 1, 2, ')
    assert max(map(len, found.text.split("\n"))) < 120


@pytest.mark.parametrize("content", ['{"a": 1,}', "{nonsense}", '{"a": 1} trailing', "[" * 100_000, "[1, 2", "nothing"])
def test_what_is_not_json_is_text(describe, content):
    """A file whose name or beginning looks like JSON, and that is none, is shown as text."""
    assert describe(content, "broken.json").kind == "text"


def test_deep_json_does_not_grow(describe):
    """JSON that is nested deep and cut at the limit stays as small as any other preview."""
    found = describe('{"a":' * 400_000, "deep.json")
    assert len(found.text) <= _preview.CHARACTERS + 2


def test_a_table_shows_its_first_rows(describe):
    """A CSV file is shown as a table with its header and its first rows, and the note counts the others."""
    body = "".join(f'{i},{i / 2},"a, ""b"""\n' for i in range(60))
    found = describe("mass_1,mass_2,name\n" + body, "samples.csv")
    assert (found.kind, found.columns) == ("table", ("mass_1", "mass_2", "name"))
    assert found.rows[0] == ("0", "0.0", 'a, "b"')
    assert len(found.rows) == _preview.ROWS
    assert found.note == "Shown: the first 50 of 60 rows."


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "x;y\n1;2\n"), ("a.tsv", "x\ty\n1\t2\n"), ("a.csv", "x|y\n1|2\n")]
)
def test_other_separators_are_found(describe, name, content):
    """Semicolons, tabs and bars separate too."""
    found = describe(content, name)
    assert (found.kind, found.columns, found.rows) == ("table", ("x", "y"), (("1", "2"),))


def test_a_table_without_header_has_its_columns_numbered(describe):
    """Where the first row holds a number it is no header, and rows of unequal length are filled up."""
    found = describe("1.5,2\n3\n4,5,6\n", "a.csv")
    assert found.columns == ("1", "2", "3")
    assert found.rows == (("1.5", "2", ""), ("3", "", ""), ("4", "5", "6"))


def test_a_wide_and_long_table_is_cut_and_said(describe):
    """Of a large table the first rows, columns and characters of a cell are shown, and the note says so."""
    header = ",".join(f"column_{i}" for i in range(200))
    row = ",".join(["x" * 300] * 200)
    found = describe(header + "\n" + (row + "\n") * 40, "wide.csv")
    assert len(found.columns) == _preview.COLUMNS
    assert {len(row) for row in found.rows} == {_preview.COLUMNS}
    assert {len(cell) for row in found.rows for cell in row} == {_preview.CELL_CHARACTERS + 1}
    assert found.note == "Shown: the first 16 rows, the first 50 of 200 columns."


@pytest.mark.parametrize("content", ["just a line\n", "\n\n\n", 'a,b\n"' + "x" * 200_000])
def test_what_is_no_table_is_text(describe, content):
    """A file called .csv that holds no table is shown as text."""
    assert describe(content, "a.csv").kind == "text"


def _gif():
    return b"GIF89a" + struct.pack("<HH", 3, 2) + b"\0" * 20


def _jpeg():
    app = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9)
    return b"\xff\xd8" + app + b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, 2, 3, 1) + bytes(20)


def _webp(chunk):
    bodies = {
        b"VP8 ": bytes(6) + struct.pack("<HH", 3, 2),
        b"VP8L": b"\x2f" + struct.pack("<I", (3 - 1) | (2 - 1) << 14),
        b"VP8X": bytes(4) + (3 - 1).to_bytes(3, "little") + (2 - 1).to_bytes(3, "little"),
    }
    return b"RIFF\x20\0\0\0WEBP" + chunk + struct.pack("<I", 10) + bodies[chunk] + bytes(10)


@pytest.mark.parametrize(
    ("content", "name", "media"),
    [
        (png(3, 2), "PNG", "image/png"),
        (_gif(), "GIF", "image/gif"),
        (_jpeg(), "JPEG", "image/jpeg"),
        (_webp(b"VP8 "), "WebP", "image/webp"),
        (_webp(b"VP8L"), "WebP", "image/webp"),
        (_webp(b"VP8X"), "WebP", "image/webp"),
    ],
)
def test_images_are_known_by_their_bytes(describe, content, name, media):
    """An image is recognised whatever its name, with its size in pixels, and its bytes go beside the message."""
    found = describe(content, "plot")
    message, buffers = found.message()
    assert (found.kind, found.type) == ("image", f"{name} image, 3 × 2 pixels")
    assert message["image"] == {"name": name, "media": media, "width": 3, "height": 2}
    assert buffers == [content]


@pytest.mark.parametrize(("content"), [png(3, 2, bytes(LIMIT)), png(100_000, 100_000)])
def test_an_image_too_large_is_not_sent(describe, content):
    """An image of more than a megabyte, or that unpacks to gigabytes, is only described."""
    found = describe(content, "plot.png")
    assert (found.kind, found.message()[1]) == ("other", [])
    assert "not shown here" in found.note


@pytest.mark.parametrize(
    "content", [png(3, 2)[:20], b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe0\0\0\0", b"GIF89a", png(0, 2)]
)
def test_a_truncated_image_is_a_binary_file(describe, content):
    """A file that only begins like an image is not shown as one."""
    assert describe(content, "plot").kind in {"other", "text"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x1f\x8b\x08\0", "gzip archive"),
        (b"PK\x03\x04", "zip archive"),
        (b"IGWD\0\x08", "gravitational-wave frame file"),
        (b"\x93NUMPY\x01\0", "NumPy array"),
        (b"\x80\x04\x95cos\nsystem\n", "Python pickle"),
        (b"a" * 257 + b"ustar", "tar archive"),
        (bytes(range(256)), "binary file"),
    ],
)
def test_other_files_have_type_and_size(describe, content, kind):
    """What can't be shown is named by its type, with its size."""
    found = describe(content, "thing.txt")
    assert (found.kind, found.type, found.size, found.text) == ("other", kind, len(content), "")


def test_an_empty_file_is_said_to_be_empty(describe):
    """An empty file is called one."""
    found = describe(b"", "a.json")
    assert (found.kind, found.type, found.size) == ("empty", "empty file", 0)


@pytest.fixture
def hdf5(tmp_path):
    """Give the bytes of an HDF5 file with all kinds of members, also links that lead out of it."""
    with h5py.File(tmp_path / "posterior.h5", "w") as file:
        group = file.create_group("C01:IMRPhenomXPHM")
        fields = [(f"mass_{i}", "f8") for i in range(10)]
        group["posterior_samples"] = np.zeros(1500, dtype=fields)
        group["scalar"] = 1.0
        group["psd"] = np.zeros((2, 3), dtype="f4")
        group["nothing"] = h5py.Empty("f4")
        group["version"] = ["1", "2"]
        file["<img onerror=x>"] = np.zeros(1)
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
        file["soft"] = h5py.SoftLink("/nowhere")
        group["loop"] = file["/"]
        file["kind"] = np.dtype("f8")
    return (tmp_path / "posterior.h5").read_bytes()


def test_the_tree_of_an_hdf5_file_is_shown(describe, hdf5):
    """Groups, datasets, shapes, types and fields are shown; links are named and not followed; a loop ends."""
    found = describe(hdf5, "posterior.h5")
    assert (found.kind, found.type, found.note) == ("tree", "HDF5 file", "")
    assert [(node.depth, node.name, node.detail) for node in found.tree] == [
        (0, "<img onerror=x>", "1, float64"),
        (0, "C01:IMRPhenomXPHM", "group of 6"),
        (1, "loop", "group of 5"),
        (1, "nothing", "no data, float32"),
        (1, "posterior_samples", f"1,500, fields {', '.join(f'mass_{i}' for i in range(8))} and 2 more"),
        (1, "psd", "2 × 3, float32"),
        (1, "scalar", "scalar, float64"),
        (1, "version", "2, text or objects"),
        (0, "kind", "named type"),
        (0, "outside", "link to /x in /etc/passwd, not opened"),
        (0, "soft", "link to /nowhere"),
    ]


def test_a_user_block_before_hdf5_is_passed_over(tmp_path, describe):
    """An HDF5 file whose first 512 bytes are somebody else's is recognised."""
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["x"] = 1
    assert describe((tmp_path / "a.h5").read_bytes()).tree[0].name == "x"


def test_a_damaged_hdf5_file_is_described(describe, hdf5):
    """Of an HDF5 file that h5py can't read, type and size are shown, with h5py's reason."""
    for damaged in (hdf5[:100], hdf5[:8] + b"\xff" * 1000):
        found = describe(damaged, "posterior.h5")
        assert (found.kind, found.type) == ("other", "HDF5 file")
        assert found.note.startswith("h5py can't read it")


def test_hdf5_without_h5py_has_type_and_size(describe, hdf5, monkeypatch):
    """Where h5py isn't installed, an HDF5 file is named as one."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    found = describe(hdf5, "posterior.h5")
    assert (found.kind, found.note) == ("other", "Its tree is shown where h5py is installed.")


class _Counting(io.FileIO):
    """A file without a buffer that counts what is read from it."""

    count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data


class _Halting(io.FileIO):
    """A file that gives less than it is asked for, as the system may."""

    def read(self, size=-1):
        return super().read(min(size, 100))


def _read_from(path):
    with _Counting(path) as file:
        return preview(file, path.name), file.count


def test_short_reads_are_gone_on_with(tmp_path, describe, hdf5):
    """Where the system gives less than was asked for, the rest is read, of a text as of a tree."""
    for content, name in ((b"text\n" * 3000, "a.txt"), (hdf5, "a.h5")):
        (tmp_path / name).write_bytes(content)
        with _Halting(tmp_path / name) as file:
            assert preview(file, name) == describe(content, name)


def test_at_most_a_megabyte_is_read(tmp_path):
    """However large a file is, a preview reads no more than a megabyte of it, also of an HDF5 file."""
    (tmp_path / "big.txt").write_bytes(b"text\n" * 1_000_000)
    assert _read_from(tmp_path / "big.txt")[1] == LIMIT
    with h5py.File(tmp_path / "big.h5", "w") as file:
        for number in range(400):
            group = file.create_group(f"group {number}")
            for member in range(8):
                group[f"data {member}"] = np.zeros((100, 100))
    found, count = _read_from(tmp_path / "big.h5")
    assert count <= LIMIT
    assert (found.kind, len(found.tree)) == ("tree", 500)
    assert found.note == "Only the first 500 groups and datasets are shown."


def test_a_tree_that_takes_too_much_reading_ends(tmp_path, monkeypatch):
    """Where the limit is reached before the tree's end, what was found is shown, and the note says so."""
    with h5py.File(tmp_path / "wide.h5", "w") as file:
        for number in range(400):
            file.create_group(f"group {number}")["data"] = np.zeros(100)
    monkeypatch.setattr(_preview, "LIMIT", 100_000)
    found, count = _read_from(tmp_path / "wide.h5")
    assert count <= 100_000
    assert (found.kind, found.note) == ("tree", "The tree may go on: a preview reads at most 1 MB.")
    assert 10 < len(found.tree) < 400


def test_every_description_can_be_sent(describe, hdf5):
    """Every description is JSON."""
    for content, name in ((hdf5, "a.h5"), (png(1, 1), "a.png"), ("a,b\n1,2", "a.csv"), ("{}", "a.json"), (b"\0", "a")):
        message, _ = describe(content, name).message()
        assert json.loads(json.dumps(message))["kind"] == message["kind"]
