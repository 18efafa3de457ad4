"""Lays the built library out as the two plugin bundles that hosts look for.

python3 plugin_shim/bundle.py --target-dir build/target --out build/plugin

takes the library of `cargo build --release -p shim` from TARGET_DIR/release and writes OUT/HybridMix.vst3
(a folder) and OUT/HybridMix.clap (a file; on macOS a folder). Each is complete when it appears: it is
written beside and renamed. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import platform
import plistlib
import shutil
import sys
from pathlib import Path

NAME = "HybridMix"
IDENTIFIER = "org.hybridmix.shim"


def library_name(system: str) -> str:
    """Return the file name that cargo gives the library on `system` (as platform.system() says it)."""
    return {"Darwin": "libhybridmix_shim.dylib", "Windows": "hybridmix_shim.dll"}.get(
        system, "libhybridmix_shim.so"
    )


def vst3_binary(system: str, machine: str) -> Path:
    """Return where a VST3 bundle holds its library, relative to the bundle."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine.lower())
    if system == "Darwin":
        return Path("Contents/MacOS") / NAME
    if system == "Windows":
        folder = "arm64-win" if machine == "aarch64" else "x86_64-win"
        return Path("Contents") / folder / f"{NAME}.vst3"
    return Path("Contents") / f"{machine}-linux" / f"{NAME}.so"


def property_list(version: str) -> bytes:
    """Return the Info.plist of a macOS bundle."""
    return plistlib.dumps(
        {
            "CFBundleExecutable": NAME,
            "CFBundleIdentifier": IDENTIFIER,
            "CFBundleName": NAME,
            "CFBundlePackageType": "BNDL",
            "CFBundleShortVersionString": version,
            "CFBundleVersion": version,
        }
    )


def write_folder(library: Path, bundle: Path, binary: Path, version: str | None) -> None:
    """Write a bundle folder with `library` at `binary` in it; `version` adds what macOS needs."""
    beside = bundle.with_name(f".{bundle.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    (beside / binary).parent.mkdir(parents=True)
    shutil.copy2(library, beside / binary)
    if version is not None:
        (beside / "Contents/Info.plist").write_bytes(property_list(version))
        (beside / "Contents/PkgInfo").write_text("BNDL????", encoding="ascii")
    if bundle.is_dir():
        shutil.rmtree(bundle)
    beside.rename(bundle)


def write_file(library: Path, bundle: Path) -> None:
    """Write a bundle that is the library itself."""
    beside = bundle.with_name(f".{bundle.name}.new")
    shutil.copy2(library, beside)
    beside.replace(bundle)


def main() -> int:
    """Run the command; 0 when both bundles are written, 1 when there is no library."""
    parser = argparse.ArgumentParser(
        description="Lay the built library out as HybridMix.vst3 and HybridMix.clap."
    )
    parser.add_argument("--target-dir", type=Path, required=True, help="cargo's target folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two bundles")
    parser.add_argument("--version", default="0.1.0", help="version for macOS (default: %(default)s)")
    options = parser.parse_args()
    system = platform.system()
    library = options.target_dir / "release" / library_name(system)
    if not library.is_file():
        build = f"cargo build --release -p shim --target-dir {options.target_dir}"
        print(f"{library} does not exist; build it with: {build}", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    version = options.version if system == "Darwin" else None
    write_folder(library, options.out / f"{NAME}.vst3", vst3_binary(system, platform.machine()), version)
    if system == "Darwin":
        write_folder(library, options.out / f"{NAME}.clap", Path("Contents/MacOS") / NAME, version)
    else:
        write_file(library, options.out / f"{NAME}.clap")
    return 0


if __name__ == "__main__":
    sys.exit(main())
