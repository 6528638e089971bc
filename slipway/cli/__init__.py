"""The command line, `slipway`."""


def main() -> None:
    from slipway.cli.app import run

    run()
