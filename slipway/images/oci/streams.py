"""Layers and archives as streams: decompressed and checked while they are read, never trusted."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import zstandard
from zlib_ng import gzip_ng, zlib_ng

from slipway.images.oci.descriptors import ImageError

CHUNK = 2**20
"""Bytes that are read at a time."""
_HEADER_LIMIT = 2**20
"""Bytes of a tar header's long names and attributes, which tarfile takes into memory."""
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


@contextmanager
def decompressed(file: Path) -> Iterator[IO[bytes]]:
    """The content of a plain, gzip or zstd file as a stream."""
    with file.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(_GZIP_MAGIC):
            with gzip_ng.open(raw, "rb") as stream:  # type: ignore[no-untyped-call]
                yield cast(IO[bytes], stream)
        elif magic == _ZSTD_MAGIC:
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as plain:
                yield cast(IO[bytes], plain)
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


class _Member(tarfile.TarInfo):
    """A tar entry whose header cannot fill the memory."""

    _LONG = (
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )

    def _proc_member(self, tar: tarfile.TarFile) -> Any:
        if self.type in self._LONG and self.size > _HEADER_LIMIT:
            raise tarfile.ReadError(f"a header of {self.size:,} bytes")
        process: Callable[[tarfile.TarFile], Any] = super()._proc_member  # type: ignore[misc]
        return process(tar)


def open_tar(stream: IO[bytes] | Hashed) -> tarfile.TarFile:
    """A tar to be read once, from front to end. Raises tarfile.ReadError."""
    return tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_Member, bufsize=CHUNK)


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries, each to be used before the next. tarfile itself would keep them all."""
    while member := tar.next():
        yield member
        tar.members.clear()  # type: ignore[attr-defined]
