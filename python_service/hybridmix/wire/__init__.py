"""The messages between the plugin and the service, as ``docs/protocol.md`` specifies them. Pure: no I/O."""

from hybridmix.wire.codec import Message, decode, decode_values, encode, encode_control, encode_values, join
from hybridmix.wire.error import WireError
from hybridmix.wire.header import Flags, Header, Kind, Role

__all__ = [
    "Flags",
    "Header",
    "Kind",
    "Message",
    "Role",
    "WireError",
    "decode",
    "decode_values",
    "encode",
    "encode_control",
    "encode_values",
    "join",
]
