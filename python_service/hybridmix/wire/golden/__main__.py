"""``python -m hybridmix.wire.golden --write|--check``: the golden files."""

from hybridmix.generated import write_or_check
from hybridmix.wire.golden.files import make

if __name__ == "__main__":
    write_or_check(make(), "python -m hybridmix.wire.golden --write")
