"""Writing layers: compressed while they are written, equal content to equal digests."""

import hashlib
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, cast

from zlib_ng import zlib_ng

from slipway.images.oci.descriptors import LAYER_GZIP, Descriptor
from slipway.images.oci.layout import Layout
from slipway.images.oci.streams import CHUNK, chunks

_LEVEL = 6
BEST = 9
"""Three times as long as usual, for what is compressed once and pulled often."""
_GZIP = 31
"""zlib's window bits for gzip, whose header then has neither time nor name."""


class LayerWriter:
    """Takes a tar's bytes; `finish` makes them a blob of the layout."""

    def __init__(self, layout: Layout, file: IO[bytes], level: int) -> None:
        self._layout, self._file = layout, file
        self._plain, self._packed = hashlib.sha256(), hashlib.sha256()
        self._size = 0
        self._packer = zlib_ng.compressobj(level, zlib_ng.DEFLATED, _GZIP)

    def write(self, data: bytes) -> int:
        self._plain.update(data)
        self._store(self._packer.compress(data))
        return len(data)

    @property
    def diff_id(self) -> str:
        return f"sha256:{self._plain.hexdigest()}"

    def finish(self, media_type: str = LAYER_GZIP) -> Descriptor:
        self._store(self._packer.flush())
        layer = Descriptor(media_type, f"sha256:{self._packed.hexdigest()}", self._size)
        self._file.seek(0)
        self._layout.add_stream(chunks(self._file), layer)
        return layer

    def _store(self, packed: bytes) -> None:
        self._packed.update(packed)
        self._size += len(packed)
        self._file.write(packed)


@contextmanager
def layer_writer(layout: Layout, level: int = _LEVEL) -> Iterator[LayerWriter]:
    with TemporaryFile(dir=layout.folder) as file:
        yield LayerWriter(layout, cast(IO[bytes], file), level)


def open_layer(writer: LayerWriter) -> tarfile.TarFile:
    """A tar that is written from front to end."""
    return tarfile.open(
        fileobj=cast(IO[bytes], writer), mode="w|", format=tarfile.PAX_FORMAT, bufsize=CHUNK
    )


def entry(name: str, kind: bytes, mode: int, owner: int = 0) -> tarfile.TarInfo:
    """A tar entry that tells nothing of when and by whom it was made. `name` has no slash first."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    info.uid = info.gid = owner
    return info
