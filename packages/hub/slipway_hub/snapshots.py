"""Where snapshots of the hub's database are kept: a folder, or a bucket."""

import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

STAMP = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"jupyterhub-(\d{8}T\d{6}Z-)?[a-zA-Z0-9.-]+\.sqlite")
LEFT = "left-"
"""An occasion: this and the release that another replaced. A rollback may need it."""
KEEP = 48
"""Snapshots in a folder."""
KEEP_LEFT = 12
"""Of those taken when a release was left, beside the others."""
SPARE = 3
"""Sizes of a snapshot that must be free on the folder's volume before another is kept."""


class Snapshots(Protocol):
    def names(self) -> list[str]:
        """Oldest first."""

    def put(self, file: Path, occasion: str) -> str:
        """Keep a copy of `file`. Returns its name."""

    def get(self, name: str, file: Path) -> None: ...


def at(location: str) -> Snapshots:
    """The snapshots at `s3://bucket/prefix` or in a folder."""
    parts = urlsplit(location)
    if parts.scheme == "s3":
        return BucketSnapshots(parts.netloc, parts.path.strip("/"))
    return FolderSnapshots(Path(location))


class FolderSnapshots:
    """Files in a folder, on another volume than the database where there is one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(file.name for file in self._folder.iterdir() if NAME.fullmatch(file.name))

    def put(self, file: Path, occasion: str) -> str:
        name = stamped(occasion)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One name for all that are under way: what a kill leaves behind is written over.
        partial = self._folder / ".partial"
        self._make_room(file.stat().st_size)
        try:
            shutil.copyfile(file, partial)
            partial.chmod(0o600)
            _flush(partial)
            partial.rename(self._folder / name)
        finally:
            partial.unlink(missing_ok=True)
        others, left = self._by_kind()
        for old in (*others[:-KEEP], *left[:-KEEP_LEFT]):
            (self._folder / old).unlink()
        return name

    def _by_kind(self) -> tuple[list[str], list[str]]:
        names = self.names()
        left = [name for name in names if f"-{LEFT}" in name]
        return [name for name in names if name not in left], left

    def _make_room(self, size: int) -> None:
        """Remove the oldest until `SPARE` snapshots have room, but never the newest of a kind: it
        may be the database's own volume."""
        (self._folder / ".partial").unlink(missing_ok=True)
        others, left = self._by_kind()
        for old in (*others[:-1], *left[:-1]):
            if shutil.disk_usage(self._folder).free >= SPARE * size:
                return
            (self._folder / old).unlink()

    def get(self, name: str, file: Path) -> None:
        shutil.copyfile(self._folder / name, file)


class BucketSnapshots:
    """One object for each occasion. The bucket keeps its versions, and its life-cycle rule removes
    old ones: the hub may not delete anything. A snapshot that was taken when a release was left has
    a name of its own, and is kept for ever."""

    def __init__(self, bucket: str, prefix: str, client: Any = None) -> None:
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        self._given = client

    @property
    def _client(self) -> Any:
        # Half a second of imports that a hub on another cluster never needs.
        import boto3

        return self._given or boto3.client("s3")

    def names(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix
        )
        found = [
            (item["LastModified"], item["Key"].removeprefix(self._prefix))
            for page in pages
            for item in page.get("Contents", [])
        ]
        return [name for _, name in sorted(found) if NAME.fullmatch(name)]

    def put(self, file: Path, occasion: str) -> str:
        name = stamped(occasion) if occasion.startswith(LEFT) else f"jupyterhub-{occasion}.sqlite"
        self._client.upload_file(
            str(file),
            self._bucket,
            self._prefix + name,
            ExtraArgs={"ChecksumAlgorithm": "SHA256"},
        )
        return name

    def get(self, name: str, file: Path) -> None:
        self._client.download_file(self._bucket, self._prefix + name, str(file))


def stamped(occasion: str) -> str:
    """A name that sorts by time."""
    return f"jupyterhub-{datetime.now(UTC):{STAMP}}-{occasion}.sqlite"


def taken_at(name: str) -> datetime:
    """When a snapshot with a stamped name was taken. Raises ValueError for another name."""
    return datetime.strptime(name.split("-")[1], STAMP).replace(tzinfo=UTC)


def _flush(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
