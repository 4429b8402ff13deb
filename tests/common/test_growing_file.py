"""A file that grows is sealed at every moment, and reads as far as it was written."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from common.growing_file import GrowingFile, GrownReader
from common.sealing import KeyRing, SealBroken, new_key

K1 = new_key("k1")
RING = KeyRing.parse(K1)
HEAD = 6 + len(RING.seal("x" * 44, "growing:a"))
PIECES = [random.Random(n).randbytes(n) for n in (1, 64_000, 3, 6_400)]


def grown(folder: Path, *pieces: bytes, ring: KeyRing = RING) -> Path:
    path = folder / "a"
    path.unlink(missing_ok=True)
    file = GrowingFile(path, ring, name="a")
    for piece in pieces:
        file.append(piece)
    file.close()
    return path


def reader(path: Path, ring: KeyRing = RING, name: str = "a") -> Any:
    return io.BufferedReader(GrownReader(path.open("rb"), ring, name=name))


def test_what_grew_comes_back_in_parts_too(tmp_path: Path) -> None:
    whole = b"".join(PIECES)
    path = grown(tmp_path, *PIECES)
    assert (path.stat().st_mode & 0o777) == 0o600
    assert all(piece not in path.read_bytes() for piece in PIECES[1:])
    with reader(path) as file:
        assert file.read() == whole
        chance = random.Random(5)
        for _ in range(200):
            at = chance.randrange(len(whole))
            file.seek(at)
            assert file.read(500) == whole[at : at + 500]
        assert file.seek(0, io.SEEK_END) == len(whole)


@pytest.mark.parametrize("cut", [1, 15, 6_400, 6_400 + 16 + 4])
def test_a_piece_that_was_cut_off_is_left_out(tmp_path: Path, cut: int) -> None:
    path = grown(tmp_path, *PIECES)
    os.truncate(path, path.stat().st_size - cut)
    with reader(path) as file:
        assert file.read() == b"".join(PIECES[:-1])


def test_nothing_but_a_key_is_an_empty_file(tmp_path: Path) -> None:
    with reader(grown(tmp_path)) as file:
        assert file.read() == b""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: (
            data[: HEAD + 30] + bytes([data[HEAD + 30] ^ 1]) + data[HEAD + 31 :]
        ),
        lambda data: data[:HEAD] + b"\0\0\0\1" + data[HEAD + 4 :],
        lambda data: data[:HEAD] + data[HEAD + 21 :],  # the first piece left out
        lambda data: b"RIFF" + data[4:],
        lambda data: data[:20],
        lambda data: b"",
    ],
)
def test_what_was_changed_is_told(tmp_path: Path, spoil: Any) -> None:
    path = grown(tmp_path, *PIECES)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SealBroken):
        reader(path).read()


def test_a_file_of_another_name_or_ring_does_not_open(tmp_path: Path) -> None:
    path = grown(tmp_path, b"one")
    with pytest.raises(SealBroken):
        reader(path, name="b")
    with pytest.raises(SealBroken):
        reader(path, KeyRing.parse(new_key("k1")))


def test_a_key_that_took_over_meanwhile_opens_it(tmp_path: Path) -> None:
    path = grown(tmp_path, b"one")
    with reader(path, KeyRing.parse(f"{new_key('k2')},{K1}")) as file:
        assert file.read() == b"one"


def test_no_file_grows_twice(tmp_path: Path) -> None:
    path = grown(tmp_path, b"one")
    with pytest.raises(FileExistsError):
        GrowingFile(path, RING, name="a")
    with reader(path) as file:
        assert file.read() == b"one"


def test_a_killed_process_leaves_what_it_wrote_and_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "a"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from common.growing_file import GrowingFile\n"
        "from common.sealing import KeyRing\n"
        "file = GrowingFile(Path(sys.argv[1]), KeyRing.parse(sys.argv[2]), name='a')\n"
        "for number in range(10_000_000):\n"
        "    file.append(b'%08d said aloud ' % number * 500)\n"
        "    print(number, flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(path), K1], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    for _ in range(50):
        told = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait(10)
    told = max([told, *map(int, writer.stdout.read().split(b"\n")[:-1])])
    writer.stdout.close()
    assert b"said aloud" not in path.read_bytes()
    with reader(path) as file:
        kept = file.read()
    count = len(kept) // 10_000
    assert len(kept) == count * 10_000
    assert count in (told + 1, told + 2)
    assert kept == b"".join(b"%08d said aloud " % n * 500 for n in range(count))
