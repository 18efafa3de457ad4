//! Proofs that both sides know the token, without showing it.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::text::Hex32;

/// What the service shows in CHALLENGE.
#[must_use]
pub fn service(token: &Hex32, client_nonce: &Hex32, service_nonce: &Hex32) -> Hex32 {
    mac(token, &[b"hybridmix service 1", &client_nonce.0, &service_nonce.0])
}

/// What the client shows in AUTH.
#[must_use]
pub fn client(token: &Hex32, service_nonce: &Hex32, client_nonce: &Hex32) -> Hex32 {
    mac(token, &[b"hybridmix client 1", &service_nonce.0, &client_nonce.0])
}

/// Password of the PLAIN mechanism on tcp; the user name is `hybridmix`.
#[must_use]
pub fn plain_password(token: &Hex32) -> Hex32 {
    mac(token, &[b"hybridmix plain 1"])
}

/// Whether two proofs are equal, in a time that does not depend on where they differ.
#[must_use]
pub fn matches(expected: &Hex32, given: &Hex32) -> bool {
    expected.0.iter().zip(&given.0).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn mac(token: &Hex32, parts: &[&[u8]]) -> Hex32 {
    // A key of any length is accepted, so this cannot fail.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&token.0) else { unreachable!("HMAC takes any key") };
    parts.iter().for_each(|part| mac.update(part));
    Hex32(mac.finalize().into_bytes().into())
}
