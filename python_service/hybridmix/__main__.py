"""``python -m hybridmix``: the same as the ``hybridmix`` command."""

from hybridmix.cli.main import main

if __name__ == "__main__":
    main()
