"""`slipway-hub`: what the containers of a hub's pod run."""

import argparse
import json
import logging
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from slipway_hub import database, rollback, secrets, snapshots
from slipway_hub.settings import SECRETS, SNAPSHOTS, HubSettings, from_environment

CONFIG = Path(__file__).with_name("jupyterhub_config.py")


def main(arguments: Sequence[str] | None = None) -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("slipway").setLevel(logging.INFO)
    chosen = _parser().parse_args(arguments)
    try:
        chosen.run(chosen)
    except (
        secrets.SecretMissingError,
        database.BadSnapshotError,
        sqlite3.DatabaseError,
        OSError,
        RuntimeError,
    ) as error:
        print(f"slipway-hub {chosen.verb}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("slipway-hub", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    run = verbs.add_parser("run", help="JupyterHub, as its settings file configures it")
    run.set_defaults(run=_run)

    fetch = verbs.add_parser(
        "secrets",
        help="write secrets of AWS Secrets Manager to files",
        epilog="example: slipway-hub secrets cookie_secret=slipway/prod/cookie_secret",
    )
    fetch.add_argument("wanted", nargs="+", type=_pair, metavar="FILE=SECRET")
    fetch.set_defaults(run=_secrets)

    prepare = verbs.add_parser(
        "database", help="restore a lost database, save one that will be upgraded"
    )
    prepare.set_defaults(run=_database)

    save = verbs.add_parser("snapshot", help="save the database now")
    save.add_argument("--every", type=float, metavar="SECONDS", help="go on for ever")
    save.add_argument("--occasion", default="manual", choices=["manual", "teardown", "timer"])
    save.set_defaults(run=_snapshot)

    fitting = verbs.add_parser("fitting", help="print which snapshot a rollback to a release needs")
    fitting.add_argument("release", metavar="RELEASE")
    fitting.set_defaults(run=_fitting)
    return parser


def _fitting(chosen: argparse.Namespace) -> None:
    settings, store = from_environment(), _needed_snapshots()
    print(json.dumps(rollback.fitting(store, chosen.release, _file(settings)).as_json()))


def _pair(text: str) -> tuple[str, str]:
    name, _, secret = text.partition("=")
    if not (name and secret) or "/" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not FILE=SECRET")
    return name, secret


def _run(_: argparse.Namespace) -> None:
    from jupyterhub.app import main as jupyterhub

    jupyterhub([f"--config={CONFIG}", "--upgrade-db"])


def _secrets(chosen: argparse.Namespace) -> None:
    folder = os.environ.get(SECRETS)
    if not folder:
        raise RuntimeError(f"{SECRETS} must name the folder that secrets are written to")
    secrets.fetch(dict(chosen.wanted), Path(folder))


def _database(_: argparse.Namespace) -> None:
    settings, store = from_environment(), _snapshots()
    if store:
        database.prepare(_file(settings), store, settings.release, settings.restore_database)


def _snapshot(chosen: argparse.Namespace) -> None:
    settings, store = from_environment(), _needed_snapshots()
    if chosen.every:
        database.keep_saving(_file(settings), store, chosen.every)
    database.log.info("saved as %s", database.save(_file(settings), store, chosen.occasion))


def _file(settings: HubSettings) -> Path:
    return Path(settings.state) / database.FILE


def _snapshots() -> snapshots.Snapshots | None:
    location = os.environ.get(SNAPSHOTS)
    return snapshots.at(location) if location else None


def _needed_snapshots() -> snapshots.Snapshots:
    store = _snapshots()
    if not store:
        raise RuntimeError(f"{SNAPSHOTS} must name a place for snapshots")
    return store


def entry() -> None:
    sys.exit(main())


if __name__ == "__main__":
    entry()
