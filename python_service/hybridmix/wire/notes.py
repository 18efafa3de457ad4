"""What the kinds, flags, limits and reasons mean, in the words of the documentation."""

from __future__ import annotations

from typing import Final

from hybridmix.wire.header import Kind

__all__ = ["FLAGS", "KINDS", "LIMITS", "REASONS"]

_UP, _DOWN, _BOTH = "client → service", "service → client", "both ways"

#: Direction, payload and meaning of every kind.
KINDS: Final[dict[Kind, tuple[str, str, str]]] = {
    Kind.HELLO: (_UP, "JSON", "first message: version and nonce"),
    Kind.CHALLENGE: (_DOWN, "JSON", "answers HELLO: version, nonce and proof of the service"),
    Kind.AUTH: (_UP, "JSON", "answers CHALLENGE: proof of the client"),
    Kind.WELCOME: (_DOWN, "JSON", "answers AUTH: the connection is open"),
    Kind.REFUSE: (_DOWN, "JSON", "what was asked for is refused, with a sentence"),
    Kind.JOIN: (_UP, "JSON", "an instance appears, or changed"),
    Kind.JOINED: (_DOWN, "JSON", "answers JOIN: identity and session"),
    Kind.LEAVE: (_UP, "empty", "the instance is gone"),
    Kind.BLOCK: (_UP, "samples, values", "hops of an instance, or the announcement of a run"),
    Kind.WAIT: (_UP, "empty", "a render waits for the answer to a frame"),
    Kind.PARAMS: (_DOWN, "values", "values of a frame for an instance"),
    Kind.CREDIT: (_DOWN, "empty", "BLOCKs taken so far on this connection"),
    Kind.PING: (_UP, "empty", "is somebody there?"),
    Kind.PONG: (_DOWN, "empty", "answers PING with its sequence"),
    Kind.STATS: (_UP, "JSON", "counters of the client's instances"),
    Kind.STATUS: (_UP, "JSON", "asks for REPORT"),
    Kind.REPORT: (_DOWN, "JSON", "what the service knows of itself, its peers and groups"),
    Kind.BYE: (_BOTH, "empty or JSON", "the sender closes the connection"),
    Kind.PLAN: (_DOWN, "a plan", "what an instance is told over a whole song"),
    Kind.LEARNING: (_DOWN, "JSON", "what becomes of a pass with LEARNS"),
}

#: Kind and meaning of every flag.
FLAGS: Final = {
    "RUN_BEGIN": ("BLOCK", "first BLOCK of its run"),
    "START": ("BLOCK", "with RUN_BEGIN: from a stop or an activation, so the service begins from the start values that "
              "come with it, or neutrally; without START a run is a jump, and slow state is kept"),
    "PLAYING": ("BLOCK", "the host's transport plays"),
    "SYNC": ("BLOCK", "the instance renders and waits for the answers"),
    "GAP": ("BLOCK", "hops before this one were lost"),
    "ZEROED": ("BLOCK", "the hops held NaN or Inf and are sent as zeros"),
    "HAS_BEAT": ("BLOCK", "`beat` is known"),
    "HAS_TEMPO": ("BLOCK", "`tempo` is known"),
    "BYPASSED": ("BLOCK", "the user bypasses the instance"),
    "LOCKED": ("BLOCK", "the user locks the instance: the service's part of its gain holds, amount and offset still count"),
    "LEARNS": ("BLOCK", "the user wants a plan of what is played"),
    "BREATH_BOTH": ("BLOCK", "the user wants breath to compress too"),
    "BREATH_FLICKER": ("BLOCK", "the user wants breath to move a sustained tone, by 1/f"),
    "BREATH_LFO": ("BLOCK", "the same, by one slow oscillation; of the two this one counts"),
    "BREATH_FADES": ("BLOCK", "the user wants a plan to fade where chords change"),
    "GROOVE_DRUMS": ("BLOCK", "the user has groove hear the live source as drums"),
    "GROOVE_BASS": ("BLOCK", "the user has groove hear the live source as a bass"),
    "NONE": ("PARAMS", "no values: nobody counted in the frame, or with SKIPPED"),
    "INCOMPLETE": ("PARAMS", "a member that should have counted was missing"),
    "SKIPPED": ("PARAMS", "with NONE: the service fell behind, these values would come too late, and newer ones follow at once"),
}  # fmt: skip

#: What each limit bounds.
LIMITS: Final = {
    "MAX_HEADER_SIZE": "one header, bytes",
    "MAX_PACKETS": "packets in one message",
    "MAX_HEADER": "header frame, bytes",
    "MAX_PAYLOAD": "payload frame, bytes",
    "MAX_JSON": "JSON payload, bytes",
    "MAX_JSON_DEPTH": "arrays and objects inside each other in JSON, the outermost object counted",
    "MAX_VALUES": "values in one packet",
    "MAX_HOPS": "hops in one BLOCK",
    "MAX_DELAY": "samples from a frame's end to the sample at which its values apply",
    "MAX_POSITION": "positions, samples, either side of zero",
    "MAX_GROUP": "groups of a session",
    "MAX_MEMBERS": "instances in one group",
    "MAX_STATS": "instances in one STATS",
    "MAX_MODELS": "models in WELCOME",
    "MAX_CREDITS": "BLOCKs in flight per instance that a service may allow",
    "MAX_LABEL": "characters of a label, a track name or a model's name",
    "MAX_TEXT": "characters of any other text",
    "MAX_COUNTER": "counters in control messages",
}

#: What each reason for refusing a message means.
REASONS: Final = {
    "frame_count": "not two frames",
    "header_too_long": "header frame over the limit",
    "payload_too_long": "payload frame over the limit",
    "header_too_short": "header shorter than 8 bytes",
    "magic": "does not begin with `HMIX`",
    "version": "another major version",
    "header_size": "`header_size` below 112 or above 4096, a header frame that is no multiple of it, or a packet with "
    "another one than the first",
    "unknown_kind": "a kind that is not known: counted and ignored",
    "packets": "more packets than a message of its kind may carry, or packets of different kinds",
    "instance": "`instance` is zero",
    "group": "`group` out of range",
    "rate": "`rate` out of range",
    "channels": "`channels` out of range",
    "role": "`role` out of range",
    "delay": "`delay` is not one of those offered",
    "amount": "`amount` out of range or NaN",
    "offset_db": "`offset_db` out of range or NaN",
    "dip_amount": "`dip_amount` out of range or NaN",
    "dip_budget_lu": "`dip_budget_lu` out of range or NaN",
    "breath_amount": "`breath_amount` out of range or NaN",
    "breath_depth_db": "`breath_depth_db` out of range or NaN",
    "staging_amount": "`staging_amount` out of range or NaN",
    "staging_level_db": "`staging_level_db` out of range or NaN",
    "density_amount": "`density_amount` out of range or NaN",
    "high_pass_amount": "`high_pass_amount` out of range or NaN",
    "groove_amount": "`groove_amount` out of range or NaN",
    "groove_limit_ms": "`groove_limit_ms` out of range or NaN",
    "groove_constant_ms": "`groove_constant_ms` out of range or NaN",
    "room_amount": "`room_amount` out of range or NaN",
    "beat": "`beat` not finite, with HAS_BEAT",
    "tempo": "`tempo` not finite, with HAS_TEMPO",
    "flags": "BLOCK: START, or no frames, without RUN_BEGIN; PARAMS: values with NONE",
    "frames": "`frames` is no whole number of hops, or too many",
    "position": "`position` out of range, or samples that do not begin on the hop grid",
    "apply_at": "`apply_at` before `position`, or too far after it",
    "count": "`count` over the limit",
    "payload_length": "payload of another length than the header says, or where none belongs",
    "samples": "a sample is NaN or Inf",
    "value_order": "ids do not ascend",
    "value_range": "a value is NaN or Inf, or out of the range declared for its id",
    "json_too_long": "JSON over the limit",
    "json": "not UTF-8, not JSON, not an object, a key twice, nested too deep, a number beyond 64-bit floats, "
    "half a surrogate pair",
    "body": "a field is missing, of another type or form, or out of range",
}
