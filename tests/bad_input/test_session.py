"""What the user sees, word for word, when a session file cannot be used."""

from __future__ import annotations

import pytest

from .cases import TRACK, Case, Judge, audio, both, made, written

BOTH = TRACK + 'role = "ai_stem"\n' + TRACK + 'label = "b"\nrole = "live_source"\n'

CASES = [
    Case(
        "no session file",
        "session file missing.toml does not exist; name an existing .toml file.",
        arguments=("render", "missing.toml"),
    ),
    Case(
        "folder instead of session file",
        "session file folder is a folder; name the .toml file inside it.",
        prepare=made("folder"),
        arguments=("render", "folder"),
    ),
    Case(
        "neither session nor demo",
        "expected either a session file or --demo, for example: hybridmix render session.toml --out mixed",
        arguments=("render",),
    ),
    Case(
        "neither session nor demo for the seam",
        "expected either a session file or --demo, for example: hybridmix seam session.toml",
        arguments=("seam",),
    ),
    Case(
        "a seam without AI stems",
        'no audible track of the session has the role ai_stem; the seam is between both: set role = "ai_stem" on at '
        "least one, or give it a preset of that role.",
        session=TRACK + 'role = "live_source"',
        prepare=audio(),
        arguments=("seam", "session.toml"),
    ),
    Case(
        "a seam without live sources",
        'no audible track of the session has the role live_source; the seam is between both: set role = "live_source" '
        "on at least one, or give it a preset of that role.",
        session=TRACK + 'preset = "ai-pad"',
        prepare=audio(),
        arguments=("seam", "session.toml"),
    ),
    Case(
        "a seam of a folder that is no render",
        "rendered folder mixed has no report.json that can be read; render the session there: "
        "hybridmix render session.toml --out mixed",
        session=BOTH,
        prepare=audio(),
        arguments=("seam", "session.toml", "--rendered", "mixed"),
    ),
    Case(
        "a seam of a render without stems",
        "rendered folder mixed has no stem of track 'a'; render the session there again, with stems = true.",
        session=BOTH,
        prepare=both(audio(), written("mixed/report.json", b'{"complete": true, "advice": ""}')),
        arguments=("seam", "session.toml", "--rendered", "mixed"),
    ),
    Case(
        "not UTF-8",
        "session file session.toml cannot be read ('utf-8' codec can't decode byte 0xff in position 0: "
        "invalid start byte); expected a UTF-8 text file.",
        prepare=written("session.toml", b"\xff\xfe"),
    ),
    Case(
        "not TOML",
        "session file session.toml is not valid TOML: Expected ']]' at the end of an array declaration "
        "(at end of document).",
        session="[[track",
    ),
    Case(
        "no track",
        "session file session.toml: there is no [[track]]; add at least one with a path.",
        session='[session]\nname = "x"',
    ),
    Case(
        "unknown section",
        "session file session.toml: tracks is not a known field; remove it or correct its spelling "
        "(see docs/session-file.md).",
        session="tracks = 3\n" + TRACK,
    ),
    Case(
        "unknown field",
        "session file session.toml: track[0].gain is not a known field; remove it or correct its spelling "
        "(see docs/session-file.md).",
        session=TRACK + "gain = 3.0",
    ),
    Case(
        "no path",
        "session file session.toml: track[0].path is missing; add it.",
        session='[[track]]\nrole = "ai_stem"',
    ),
    Case(
        "empty path",
        "session file session.toml: track[0].path is ''; expected text of length >= 1.",
        session='[[track]]\npath = ""',
    ),
    Case(
        "unknown role",
        "session file session.toml: track[0].role is 'drums'; expected one of: ai_stem, live_source.",
        session=TRACK + 'role = "drums"',
    ),
    Case(
        "unknown preset",
        "session file session.toml: track[0].preset is 'warm'; expected one of: ai-bass, ai-lead, ai-pad, ai-rhythm, "
        "ai-stem, ai-texture, broadcast, hall, live-bass, live-drums, live-guitar, live-horns, live-source, live-strings, "
        "live-vocals, small-room, or the path of a .json file.",
        session=TRACK + 'preset = "warm"',
    ),
    Case(
        "offset too large",
        "session file session.toml: track[0].gain_offset_db is 40.0; expected a number <= 24.0.",
        session=TRACK + "gain_offset_db = 40.0",
    ),
    Case(
        "mute not a boolean",
        "session file session.toml: track[0].mute is 'yes'; expected true or false, got text.",
        session=TRACK + 'mute = "yes"',
    ),
    Case(
        "negative start",
        "session file session.toml: track[0].offset_s is -1.0; expected a number >= 0.0.",
        session=TRACK + "offset_s = -1.0",
    ),
    Case(
        "everything muted",
        "session file session.toml: every track has mute = true; leave at least one audible.",
        session=TRACK + "mute = true",
    ),
    Case(
        "two tracks of one name",
        "session file session.toml: track[1] and track[0] are both called 'a'; give each its own label.",
        session=TRACK + '[[track]]\npath = "b/a.wav"',
    ),
    Case(
        "unknown control delay",
        "session file session.toml: session.control_delay_ms is 45; expected one of: 20, 40, 60, 100, 200.",
        session="[session]\ncontrol_delay_ms = 45\n" + TRACK,
    ),
    Case(
        "group out of range",
        "session file session.toml: session.group is 17; expected a whole number <= 16.",
        session="[session]\ngroup = 17\n" + TRACK,
    ),
    Case(
        "unsupported rate",
        "session file session.toml: session.sample_rate is 22050; expected a multiple of 100 from 44100 to 192000.",
        session="[session]\nsample_rate = 22050\n" + TRACK,
    ),
    Case(
        "block too large",
        "session file session.toml: session.block is 20000; expected 16 to 8192 samples.",
        session="[session]\nblock = 20000\n" + TRACK,
    ),
    Case(
        "first beat out of range",
        "session file session.toml: session.first_beat_s is 31.0; expected a number <= 30.0.",
        session="[session]\ntempo_bpm = 120\nfirst_beat_s = 31.0\n" + TRACK,
    ),
    Case(
        "first beat without a tempo",
        "session file session.toml: session.first_beat_s is 0.5 without session.tempo_bpm; add the tempo, or remove it: "
        "the beat is heard then.",
        session="[session]\nfirst_beat_s = 0.5\n" + TRACK,
    ),
    Case(
        "unknown groove source",
        "session file session.toml: track[0].groove_source is 'guitar'; expected one of: auto, bass, drums.",
        session=TRACK + 'groove_source = "guitar"',
    ),
    Case(
        "unknown format",
        "session file session.toml: output.format is 'mp3'; expected one of: flac, wav.",
        session='[output]\nformat = "mp3"\n' + TRACK,
    ),
    Case(
        "flac in float",
        'session file session.toml: output.bits is "float" with output.format "flac"; flac holds integers only: '
        'use bits = "24", or format = "wav".',
        session='[output]\nformat = "flac"\nbits = "float"\n' + TRACK,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_exit_code_and_nothing_left_behind(case: Case, judge: Judge) -> None:
    judge(case)
