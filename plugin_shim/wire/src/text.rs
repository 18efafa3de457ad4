//! Strict reading of control payloads: one meaning per text, the same on both sides of the wire.

use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::WireError;
use crate::limits::{MAX_JSON, MAX_JSON_DEPTH};

/// Reads one control message. Unknown keys are ignored; known ones must read back as they were written.
pub(crate) fn read<T: DeserializeOwned + Serialize>(payload: &[u8]) -> Result<T, WireError> {
    if payload.len() > MAX_JSON {
        return Err(WireError::JsonTooLong(payload.len()));
    }
    let raw = parse(payload)?;
    let typed: T = T::deserialize(&raw).map_err(|e| WireError::Body(e.to_string()))?;
    let back = serde_json::to_value(&typed).map_err(|e| WireError::Body(e.to_string()))?;
    if agrees(&raw, &back) {
        Ok(typed)
    } else {
        Err(WireError::Body("a field is not in its canonical form".into()))
    }
}

fn parse(payload: &[u8]) -> Result<Value, WireError> {
    let text = std::str::from_utf8(payload).map_err(|e| WireError::Json(e.to_string()))?;
    let mut input = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }
        .deserialize(&mut input)
        .and_then(|value| input.end().map(|()| value))
        .map_err(|e| WireError::Json(e.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(WireError::Json("not an object".into())) }
}

/// True where everything in `back` stands in `raw` in the same form.
fn agrees(raw: &Value, back: &Value) -> bool {
    match (raw, back) {
        (Value::Object(raw), Value::Object(back)) => {
            back.iter().all(|(key, back)| raw.get(key).is_some_and(|raw| agrees(raw, back)))
        }
        (Value::Array(raw), Value::Array(back)) => {
            raw.len() == back.len() && raw.iter().zip(back).all(|(raw, back)| agrees(raw, back))
        }
        (Value::Number(raw), Value::Number(back)) => {
            raw == back || (back.is_f64() && raw.as_f64() == back.as_f64())
        }
        _ => raw == back,
    }
}

/// Builds a JSON value and refuses doubled keys and deep nesting.
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.depth < MAX_JSON_DEPTH { Ok(self.depth + 1) } else { Err(E::custom("nested too deep")) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self { depth })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Self { depth })?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("doubled key"));
            }
        }
        Ok(Value::Object(map))
    }
}

/// 32 bytes, written as 64 lowercase hex digits: nonces, proofs, tokens, hashes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hex32(pub [u8; 32]);

impl fmt::Display for Hex32 {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Hex32 {
    /// Shows nothing: tokens and proofs do not belong in logs.
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("Hex32(..)")
    }
}

/// The text is not 64 lowercase hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("64 lowercase hex digits were expected")]
pub struct NotHex;

impl FromStr for Hex32 {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| NotHex)?;
        let mut bytes = [0; 32];
        for (byte, &[high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
            *byte = nibble(high)? << 4 | nibble(low)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, NotHex> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(NotHex),
    }
}

impl Serialize for Hex32 {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex32 {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input)?.parse().map_err(D::Error::custom)
    }
}
