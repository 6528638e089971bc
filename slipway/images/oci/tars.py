"""Tars of strangers, read once from front to end: no entry of them fills the memory or never ends.

tarfile believes what it reads. Of Python 3.11 before its last patches, a header of digits alone
takes it hours (CVE-2024-6232); of any version, a file that says it has exabytes does.
"""

import re
import tarfile
from collections.abc import Callable, Iterator
from typing import IO, Any

from slipway.images.oci.streams import CHUNK, Hashed

LONGEST_NAME = 4096
"""Characters of a path, and of what a link points to: as many bytes as Linux takes."""
LARGEST_FILE = 2**40
_HEADER_LIMIT = 2**20
"""Bytes of long names and attributes of one entry, and of those for all entries together."""
_PAX = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG = (*_PAX, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_PAX_LENGTH = re.compile(rb"([1-9][0-9]{0,6}) ")
_PAX_SPARSE = re.compile(rb" GNU\.sparse\.")
_MANY_DIGITS = re.compile(rb"[0-9]{100}")


class _Forward:
    """A stream as tarfile wants a file, but for going back."""

    def __init__(self, stream: IO[bytes] | Hashed) -> None:
        self._stream, self._buffer, self._next, self._position = stream, b"", 0, 0
        self.attributes_of_all = 0
        """Bytes of the headers that count for every entry after them."""

    def peek(self, size: int) -> bytes:
        """What `read` will give."""
        missing = size - (len(self._buffer) - self._next)
        parts = [self._buffer[self._next :]] if missing > 0 else []
        while missing > 0 and (more := self._stream.read(CHUNK)):
            parts.append(more)
            missing -= len(more)
        if parts:
            self._buffer, self._next = b"".join(parts), 0
        return self._buffer[self._next : self._next + size]

    def read(self, size: int) -> bytes:
        data = self.peek(size)
        self._next += len(data)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        """Forward, or to the end if that is nearer."""
        if position < self._position:
            raise tarfile.StreamError("an entry that begins before the end of the one before it")
        while self._position < position and self.read(min(CHUNK, position - self._position)):
            pass
        return self._position


class _Member(tarfile.TarInfo):
    """An entry whose header is checked before tarfile makes something of it."""

    def _proc_member(self, tar: tarfile.TarFile) -> Any:
        if self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("a file with holes, as no engine writes it")
        if self.type in _LONG:
            _check_header(self, tar.fileobj)
        process: Callable[[tarfile.TarFile], Any] = super()._proc_member  # type: ignore[misc]
        return process(tar)


def _check_header(entry: tarfile.TarInfo, file: Any) -> None:
    """Raises tarfile.ReadError."""
    if not 0 <= entry.size <= _HEADER_LIMIT:
        raise tarfile.ReadError(f"a header of {entry.size:,} bytes")
    if entry.type == tarfile.XGLTYPE:
        file.attributes_of_all += entry.size
        if file.attributes_of_all > _HEADER_LIMIT:
            raise tarfile.ReadError(f"headers of {file.attributes_of_all:,} bytes for all entries")
    if entry.type in _PAX:
        _check_attributes(file.peek(entry.size))


def _check_attributes(header: bytes) -> None:
    """`27 path=…`, one after the other, each as long as it says.

    https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
    """
    position = 0
    while position < len(header):
        length = _PAX_LENGTH.match(header, position)
        end = position + int(length[1]) if length else 0
        if not length or end > len(header) or header[end - 1 : end] != b"\n":
            raise tarfile.ReadError("a header of attributes that is none")
        if header.find(b"=", length.end(), end) < 0 or _MANY_DIGITS.search(header, position, end):
            raise tarfile.ReadError("a header of attributes that is none")
        if _PAX_SPARSE.match(header, length.end() - 1, end):
            raise tarfile.ReadError("a file with holes, as no engine writes it")
        position = end


def open_tar(stream: IO[bytes] | Hashed) -> tarfile.TarFile:
    """Raises tarfile.ReadError."""
    return tarfile.TarFile(fileobj=_Forward(stream), tarinfo=_Member)  # type: ignore[arg-type]


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The entries, each to be used before the next. tarfile itself would keep them all.

    Raises tarfile.ReadError for one that is out of all bounds.
    """
    while member := tar.next():
        if not 0 <= member.size <= LARGEST_FILE:
            raise tarfile.ReadError(f"a file of {member.size:,} bytes")
        for name in (member.name, member.linkname):
            if len(name) > LONGEST_NAME:
                raise tarfile.ReadError(f"a name of {len(name):,} characters")
        yield member
        tar.members.clear()  # type: ignore[attr-defined]
