"""Writing layers: compressed while they are written, equal content to equal digests."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, cast

from zlib_ng import zlib_ng

from slipway.images.oci.descriptors import LAYER_GZIP, Descriptor, ImageError
from slipway.images.oci.layout import Layout
from slipway.images.oci.streams import chunks

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
        layer = Descriptor(media_type, f"sha256:{self._packed.hexdigest()}", self._file.tell())
        self._file.seek(0)
        self._layout.add_stream(chunks(self._file), layer)
        return layer

    def _store(self, packed: bytes) -> None:
        self._packed.update(packed)
        self._file.write(packed)


@contextmanager
def layer_writer(layout: Layout, level: int = _LEVEL) -> Iterator[LayerWriter]:
    with TemporaryFile(dir=layout.folder) as file:
        yield LayerWriter(layout, cast(IO[bytes], file), level)


def compress(
    tar: IO[bytes],
    diff_id: str,
    layout: Layout,
    level: int = _LEVEL,
    media_type: str = LAYER_GZIP,
) -> Descriptor:
    """Store a layer. Raises ImageError when `tar` is not the one with the digest `diff_id`."""
    with layer_writer(layout, level) as writer:
        for chunk in chunks(tar):
            writer.write(chunk)
        if writer.diff_id != diff_id:
            raise ImageError(
                f"the layer {diff_id} has other content, or is damaged; build or save the image "
                "again"
            )
        return writer.finish(media_type)
