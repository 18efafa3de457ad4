//! Who is at the other end: both sides prove that they know the token before anything else is said.

use wire::control::{Auth, Control, Hello, Refuse, Welcome};
use wire::limits::PROTOCOL;
use wire::{Hex32, proof, status};

/// Why a service is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Code of `status`.
    pub status: u32,
    /// For the user.
    pub sentence: String,
}

impl Refusal {
    /// The peer speaks another major version of the protocol.
    pub fn other_version(theirs: impl std::fmt::Display) -> Self {
        let [major, minor] = PROTOCOL;
        let sentence = format!(
            "The service speaks protocol {theirs}, this plugin {major}.{minor}; install both from the same release"
        );
        Self { status: status::VERSION_REFUSED, sentence }
    }

    /// The peer is not the service that wrote the discovery file.
    pub fn not_trusted(why: &str) -> Self {
        let sentence = format!("{why}; nothing was sent. Stop it, then start again: hybridmix serve");
        Self { status: status::NOT_TRUSTED, sentence }
    }

    /// What the service said.
    pub fn said(refuse: &Refuse) -> Self {
        let status = match refuse.code.as_str() {
            "version" => status::VERSION_REFUSED,
            "auth" => status::NOT_TRUSTED,
            _ => status::CONNECTING,
        };
        Self { status, sentence: refuse.message.clone() }
    }
}

/// What to do after a message.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// Send this.
    Send(Control),
    /// The connection is open.
    Open(Welcome),
    /// It will not be.
    Refused(Refusal),
    /// Not a message of this moment.
    Ignored,
}

/// One handshake: its nonces are used once.
#[derive(Debug)]
pub struct Handshake {
    token: Hex32,
    nonce: Hex32,
    proven: bool,
}

impl Handshake {
    /// `nonce`: fresh random bytes.
    pub fn new(token: Hex32, nonce: Hex32) -> Self {
        Self { token, nonce, proven: false }
    }

    /// The only thing that is sent before the service has proved itself.
    pub fn hello(&self) -> Control {
        Control::Hello(Hello {
            protocol: PROTOCOL,
            client: concat!("hybridmix-shim ", env!("CARGO_PKG_VERSION")).to_owned(),
            pid: std::process::id(),
            nonce: self.nonce,
        })
    }

    /// Takes the next message of the service.
    pub fn answer(&mut self, message: &Control) -> Step {
        match message {
            Control::Challenge(challenge) if !self.proven => {
                let [major, minor] = challenge.protocol;
                if major != PROTOCOL[0] {
                    return Step::Refused(Refusal::other_version(format_args!("{major}.{minor}")));
                }
                let expected = proof::service(&self.token, &self.nonce, &challenge.nonce);
                if !proof::matches(&expected, &challenge.proof) {
                    let why = "Another program answers at the service's address and does not know its token";
                    return Step::Refused(Refusal::not_trusted(why));
                }
                self.proven = true;
                let proof = proof::client(&self.token, &challenge.nonce, &self.nonce);
                Step::Send(Control::Auth(Auth { proof }))
            }
            Control::Welcome(welcome) if self.proven => Step::Open(welcome.clone()),
            Control::Refuse(refuse) => Step::Refused(Refusal::said(refuse)),
            _ => Step::Ignored,
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::control::Challenge;

    use super::*;

    const TOKEN: Hex32 = Hex32([7; 32]);
    const OURS: Hex32 = Hex32([1; 32]);
    const THEIRS: Hex32 = Hex32([2; 32]);

    fn challenge(token: &Hex32, major: u16) -> Control {
        let proof = proof::service(token, &OURS, &THEIRS);
        Control::Challenge(Challenge { protocol: [major, 4], nonce: THEIRS, proof })
    }

    fn welcome() -> Welcome {
        let models = std::collections::BTreeMap::new();
        Welcome { protocol: PROTOCOL, server: "s".into(), schema: TOKEN, models, credits: 8 }
    }

    #[test]
    fn both_sides_prove_themselves_in_order() {
        let mut handshake = Handshake::new(TOKEN, OURS);
        let proof = proof::client(&TOKEN, &THEIRS, &OURS);
        assert_eq!(handshake.answer(&challenge(&TOKEN, 1)), Step::Send(Control::Auth(Auth { proof })));
        assert_eq!(handshake.answer(&Control::Welcome(welcome())), Step::Open(welcome()));
    }

    #[test]
    fn a_service_without_the_token_gets_nothing() {
        let mut handshake = Handshake::new(TOKEN, OURS);
        let Step::Refused(refusal) = handshake.answer(&challenge(&Hex32([8; 32]), 1)) else {
            panic!("accepted")
        };
        assert_eq!(refusal.status, status::NOT_TRUSTED);
        assert_eq!(handshake.answer(&Control::Welcome(welcome())), Step::Ignored);
    }

    #[test]
    fn a_welcome_without_proof_and_a_second_challenge_are_ignored() {
        let mut handshake = Handshake::new(TOKEN, OURS);
        assert_eq!(handshake.answer(&Control::Welcome(welcome())), Step::Ignored);
        assert!(matches!(handshake.answer(&challenge(&TOKEN, 1)), Step::Send(_)));
        assert_eq!(handshake.answer(&challenge(&TOKEN, 1)), Step::Ignored);
    }

    #[test]
    fn another_major_version_is_refused_with_both_named() {
        let mut handshake = Handshake::new(TOKEN, OURS);
        let Step::Refused(refusal) = handshake.answer(&challenge(&TOKEN, 2)) else { panic!("accepted") };
        assert_eq!(
            (refusal.status, refusal.sentence.as_str()),
            (
                status::VERSION_REFUSED,
                "The service speaks protocol 2.4, this plugin 1.0; install both from the same release"
            )
        );
    }
}
