"""What a message may hold. Both sides check every one of these on receipt."""

from __future__ import annotations

from typing import Final

__all__ = [
    "DELAYS",
    "DELAYS_MS",
    "FRAMES_PER_SECOND",
    "HEADER_SIZE",
    "HOPS_PER_SECOND",
    "MAX_BREATH_DEPTH_DB",
    "MAX_COUNTER",
    "MAX_CREDITS",
    "MAX_DELAY",
    "MAX_DIP_BUDGET_LU",
    "MAX_GROOVE_CONSTANT_MS",
    "MAX_GROOVE_LIMIT_MS",
    "MAX_GROUP",
    "MAX_HEADER",
    "MAX_HEADER_SIZE",
    "MAX_HOPS",
    "MAX_JSON",
    "MAX_JSON_DEPTH",
    "MAX_LABEL",
    "MAX_MEMBERS",
    "MAX_MODELS",
    "MAX_OFFSET_DB",
    "MAX_PACKETS",
    "MAX_PAYLOAD",
    "MAX_POSITION",
    "MAX_RATE",
    "MAX_STATS",
    "MAX_TEXT",
    "MAX_VALUES",
    "MIN_HEADER_SIZE",
    "MIN_RATE",
    "MIN_STAGING_LEVEL_DB",
    "PROTOCOL",
]

#: Protocol version spoken here: major, minor. Another major is refused.
PROTOCOL: Final = (1, 0)
#: Length of the header written here, in bytes. A later minor version may append.
HEADER_SIZE: Final = 176
#: Shortest header accepted, in bytes: what is appended to it counts as zero where it is missing.
MIN_HEADER_SIZE: Final = 112
#: Longest header accepted, in bytes.
MAX_HEADER_SIZE: Final = 4096
#: Most packets in one message.
MAX_PACKETS: Final = 128
#: Longest header frame accepted, in bytes: room for 128 headers that have grown to 256 bytes.
MAX_HEADER: Final = 32 << 10
#: Longest payload frame accepted, in bytes.
MAX_PAYLOAD: Final = 1 << 20
#: Longest JSON payload accepted, in bytes.
MAX_JSON: Final = 64 << 10
#: Deepest nesting of arrays and objects in JSON, the outermost object counted.
MAX_JSON_DEPTH: Final = 16
#: Most values in one PARAMS.
MAX_VALUES: Final = 32
#: Most hops in one BLOCK.
MAX_HOPS: Final = 64
#: Hops per second: a hop is ``rate // HOPS_PER_SECOND`` samples.
HOPS_PER_SECOND: Final = 100
#: F2 frames per second: a frame is ``rate // FRAMES_PER_SECOND`` samples.
FRAMES_PER_SECOND: Final = 20
#: Lowest rate in Hz; rates are multiples of 100 Hz.
MIN_RATE: Final = 44_100
#: Highest rate in Hz.
MAX_RATE: Final = 192_000
#: Highest group; the lowest is 1.
MAX_GROUP: Final = 16
#: Most members of one group.
MAX_MEMBERS: Final = 128
#: Control delays offered, in ms.
DELAYS_MS: Final = (20, 40, 60, 100, 200)
#: Longest control delay in samples: 200 ms at the highest rate.
MAX_DELAY: Final = 38_400
#: Largest gain offset in dB, either way.
MAX_OFFSET_DB: Final = 24.0
#: Largest loudness budget of the dip in LU.
MAX_DIP_BUDGET_LU: Final = 6.0
#: Largest depth of breath in dB.
MAX_BREATH_DEPTH_DB: Final = 5.0
#: Lowest level of staging in dBFS.
MIN_STAGING_LEVEL_DB: Final = -30.0
#: Largest limit of groove's shift, and largest constant of groove, either way, in ms.
MAX_GROOVE_LIMIT_MS: Final = 20.0
MAX_GROOVE_CONSTANT_MS: Final = 20.0
#: Positions lie within plus and minus this, so that sums of positions and lengths fit 64 bits.
MAX_POSITION: Final = 1 << 62
#: Longest label and track name, in characters.
MAX_LABEL: Final = 256
#: Longest other text in a control message, in characters.
MAX_TEXT: Final = 1024
#: Greatest counter in a control message.
MAX_COUNTER: Final = 1 << 53
#: Most BLOCKs in flight that a service may allow per joined instance.
MAX_CREDITS: Final = 4096
#: Most instances in one STATS.
MAX_STATS: Final = 512
#: Most models that WELCOME may name.
MAX_MODELS: Final = 64

#: Supported rates in Hz, each with the control delays offered there, in samples.
DELAYS: Final = {
    rate: frozenset(rate * ms // 1000 for ms in DELAYS_MS)
    for rate in range(MIN_RATE, MAX_RATE + 1, HOPS_PER_SECOND)
}
