"""Mix every folder of stems below a folder: one mix per folder that holds audio files.

Files whose names begin with "ai" are AI stems, the others live sources.

    python examples/render_folder.py songs/ mixed/
"""

from __future__ import annotations

import argparse
from pathlib import Path

import soundfile

from hybridmix.batch import MixSession, MixTrack


def main(songs: Path, out: Path) -> None:
    """Render each folder below ``songs`` into a folder of the same name below ``out``."""
    suffixes = {f".{name.lower()}" for name in soundfile.available_formats()} | {".aif"}
    for folder in sorted(path for path in songs.iterdir() if path.is_dir()):
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
        if not files:
            continue
        tracks = [
            MixTrack(path, path.stem, role="ai_stem" if path.name.lower().startswith("ai") else "live_source")
            for path in files
        ]
        with MixSession(tracks) as session:
            report = session.render_to(out / folder.name)
        print(f"{folder.name}: {len(tracks)} tracks, {report.mix.lufs} LUFS, {report.x_realtime} x real time")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Mix every folder of stems below a folder.")
    parser.add_argument("songs", type=Path, help="folder with one folder of audio files per song")
    parser.add_argument("out", type=Path, help="folder for the mixes")
    main(**vars(parser.parse_args()))
