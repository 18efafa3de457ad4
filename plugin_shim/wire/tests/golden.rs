//! The golden vectors, as the Python tests read them too.

#[path = "../corpus/mod.rs"]
#[allow(dead_code)]
mod corpus;

use corpus::{frames, golden, vectors};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wire::{Body, Header, Hex32, Values, WireError, append_samples, decode, encode, proof};

fn fields(h: &Header) -> Value {
    json!({
        "kind": h.kind.code(), "group": h.group, "flags": h.flags, "instance": h.instance, "run": h.run,
        "rate": h.rate, "sequence": h.sequence, "position": h.position, "apply_at": h.apply_at, "beat": h.beat,
        "tempo": h.tempo, "frames": h.frames, "channels": h.channels, "role": h.role, "delay": h.delay,
        "lead": h.lead, "amount": f64::from(h.amount), "offset_db": f64::from(h.offset_db), "count": h.count,
        "dip_amount": f64::from(h.dip_amount), "dip_budget_lu": f64::from(h.dip_budget_lu),
        "breath_amount": f64::from(h.breath_amount), "breath_depth_db": f64::from(h.breath_depth_db),
        "staging_amount": f64::from(h.staging_amount), "staging_level_db": f64::from(h.staging_level_db),
        "density_amount": f64::from(h.density_amount), "high_pass_amount": f64::from(h.high_pass_amount),
        "groove_amount": f64::from(h.groove_amount), "groove_limit_ms": f64::from(h.groove_limit_ms),
        "groove_constant_ms": f64::from(h.groove_constant_ms),
        "room_amount": f64::from(h.room_amount),
    })
}

fn meaning(values: &Values) -> Value {
    values.as_slice().iter().map(|&(id, value)| json!([id, f64::from(value)])).collect()
}

/// Header and payload of a packet written anew; its payload must mean what the vector says.
fn written(header: &Header, body: &Body<'_>, vector: &Value, name: &str) -> (Vec<u8>, Vec<u8>) {
    let anew = |payload: Vec<u8>| (encode(header, &payload).unwrap().to_vec(), payload);
    match body {
        Body::Control(control) => {
            let [head, payload] = control.encode().unwrap();
            if !payload.is_empty() {
                let meaning: Value = serde_json::from_slice(&payload).unwrap();
                assert_eq!(meaning, vector["payload"], "{name}");
            }
            (head, payload)
        }
        Body::Values(values) => {
            assert_eq!(meaning(values), *vector.get("payload").unwrap_or(&json!([])), "{name}");
            anew(values.encode())
        }
        Body::Samples(samples, start) => {
            let told = Value::from(format!("{} x {} samples", header.channels, header.frames));
            let told = if header.count == 0 { told } else { json!([told, meaning(start)]) };
            assert_eq!(vector["payload"], told, "{name}");
            let mut payload = Vec::new();
            append_samples(&mut payload, &samples.iter().collect::<Vec<_>>());
            payload.extend(start.encode());
            anew(payload)
        }
        Body::Empty => anew(Vec::new()),
        Body::Plan(plan) => anew(plan.to_vec()),
    }
}

#[test]
fn accepted_vectors_mean_the_same_as_in_python() {
    let mut seen = 0;
    for vector in ["block", "params", "plain", "control"].iter().flat_map(|name| vectors(name)) {
        let name = vector["name"].as_str().unwrap();
        let message = frames(&vector);
        let read = decode(&message).unwrap_or_else(|e| panic!("{name}: {e}"));
        let more = vector.get("more").and_then(Value::as_array).cloned().unwrap_or_default();
        let meanings = std::iter::once(vector.clone()).chain(more);
        let (mut heads, mut payloads) = (Vec::new(), Vec::new());
        let mut packets = std::iter::once((read.header, read.body)).chain(read.more);
        for vector in meanings {
            let (header, body) = packets.next().unwrap_or_else(|| panic!("{name}: a packet is missing"));
            assert_eq!(fields(&header), vector["header"], "{name}");
            let (head, payload) = written(&header, &body, &vector, name);
            heads.extend(head);
            payloads.extend(payload);
        }
        assert!(packets.next().is_none(), "{name}: a packet too many");
        let canonical = vector.get("canonical").is_none_or(|canonical| canonical == true);
        assert_eq!(vec![heads, payloads] == message, canonical, "{name}: sent as the vector says");
        seen += 1;
    }
    assert!(seen > 30, "{seen} vectors");
}

#[test]
fn samples_of_a_block_arrive_in_order() {
    let block = vectors("block");
    let message = frames(&block[0]);
    let Ok(Body::Samples(samples, _)) = decode(&message).map(|message| message.body) else {
        panic!("no samples")
    };
    let expected = (0..2u16).flat_map(|c| (0..480u16).map(move |i| (37 * i + 11 * c) % 256));
    assert!(samples.iter().eq(expected.map(|n| (f32::from(n) - 128.0) / 128.0)));
}

#[test]
fn broken_vectors_are_refused_for_the_same_reason_as_in_python() {
    for vector in vectors("broken") {
        let found = decode(&frames(&vector)).map_or_else(|reason| reason.name(), |_| "accepted");
        assert_eq!(found, vector["error"], "{}", vector["name"]);
    }
}

#[test]
fn a_peers_major_version_is_named() {
    let vectors = vectors("broken");
    let vector = vectors.iter().find(|vector| vector["name"] == "major_2").unwrap();
    assert_eq!(decode(&frames(vector)), Err(WireError::Version(2)));
}

#[test]
fn proofs_equal_those_of_python() {
    let golden = golden("proofs");
    let value = |name: &str| -> Hex32 { golden[name].as_str().unwrap().parse().unwrap() };
    let (token, client, service) = (value("token"), value("client_nonce"), value("service_nonce"));
    assert_eq!(proof::service(&token, &client, &service), value("service"));
    assert_eq!(proof::client(&token, &service, &client), value("client"));
    assert_eq!(proof::plain_password(&token), value("plain_password"));
    assert!(proof::matches(&value("service"), &proof::service(&token, &client, &service)));
    assert!(!proof::matches(&value("service"), &value("client")));
}

#[test]
fn the_corpus_and_every_verdict_equal_those_of_python() {
    let recorded = golden("corpus");
    let count = usize::try_from(recorded["messages"].as_u64().unwrap()).unwrap();
    let (mut messages, mut verdicts) = (Sha256::new(), Sha256::new());
    for message in corpus::Corpus::new(recorded["seed"].as_u64().unwrap()).take(count) {
        corpus::add_message(&mut messages, &message);
        let (verdict, understood) = corpus::judge(&message);
        verdicts.update(verdict);
        verdicts.update(b"\n");
        verdicts.update(understood);
    }
    assert_eq!(corpus::hex(messages), recorded["sha256"], "the generators differ");
    assert_eq!(corpus::hex(verdicts), recorded["verdicts_sha256"], "the decoders differ");
}
