"""Stop servers that nobody uses: the idle culler, run by the hub."""


def main() -> None:
    """The idle culler, ending at once when the hub asks it to.

    On its own it outlives SIGINT and SIGTERM while a request is under way, and the hub waits.
    """
    import signal

    from jupyterhub_idle_culler import main as cull

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    cull()


if __name__ == "__main__":
    main()
