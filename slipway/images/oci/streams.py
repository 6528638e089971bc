"""Layers and archives as streams, decompressed while they are read and never out of proportion."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import zstandard
from zlib_ng import gzip_ng, zlib_ng

from slipway.images.oci.descriptors import ImageError

CHUNK = 2**20
"""Bytes that are read at a time."""
_FREE = 2**30
"""Bytes that whatever is compressed may have without it."""
_MOST_RATIO = 100
"""How many times as large as what is stored the rest may be; files of zeros have a thousand."""
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_DAMAGED = (
    tarfile.TarError,
    EOFError,
    zlib.error,
    cast(type[Exception], zlib_ng.error),
    gzip.BadGzipFile,
    zstandard.ZstdError,
    UnicodeDecodeError,
    # tarfile's for numbers and dates that are none
    OverflowError,
    RecursionError,
    ValueError,
)
"""What readers raise for content that is not what it should be."""


@contextmanager
def damage(what: str) -> Iterator[None]:
    """Turn what readers raise for damaged content into an ImageError about `what`."""
    try:
        yield
    except _DAMAGED as error:
        detail = str(error) or "it ends too soon"
        raise ImageError(f"{what} is damaged ({detail}); get it again") from None


class _Unpacked:
    """A decompressed stream that ends in a ValueError where it grows out of proportion."""

    def __init__(self, stream: IO[bytes], packed: IO[bytes]) -> None:
        self._stream, self._packed, self._size = stream, packed, 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size if size >= 0 else CHUNK)
        self._size += len(data)
        if self._size > _FREE + _MOST_RATIO * self._packed.tell():
            raise ValueError(
                f"more than {_MOST_RATIO} times as large as what is stored: {self._size:,} bytes"
            )
        return data


@contextmanager
def decompressed(file: Path) -> Iterator[IO[bytes]]:
    """The content of a plain, gzip or zstd file as a stream, of which `read` is used.

    Reading raises ValueError for a file that unpacks to far more than it has.
    """
    with file.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(_GZIP_MAGIC):
            with gzip_ng.open(raw, "rb") as stream:  # type: ignore[no-untyped-call]
                yield cast(IO[bytes], _Unpacked(stream, raw))
        elif magic == _ZSTD_MAGIC:
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as plain:
                yield cast(IO[bytes], _Unpacked(plain, raw))
        else:
            yield raw


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a stream, in pieces."""
    while chunk := stream.read(CHUNK):
        yield chunk


class Hashed:
    """A stream that knows the sha256 digest of what was read of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def rest(self) -> str:
        """Read to the end; the digest of everything."""
        while self.read(CHUNK):
            pass
        return f"sha256:{self._hash.hexdigest()}"
