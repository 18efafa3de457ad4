//! What the codec promises for messages that no vector names.

use proptest::prelude::*;
use uuid::Uuid;
use wire::control::{Bye, Join};
use wire::{
    Body, Control, Header, Hex32, Kind, Values, WireError, append_samples, decode, encode, flags, limits,
};

fn identity() -> impl Strategy<Value = Uuid> {
    (1..u128::MAX).prop_map(Uuid::from_u128)
}

fn position() -> impl Strategy<Value = i64> {
    -limits::MAX_POSITION..=limits::MAX_POSITION
}

prop_compose! {
    fn block()(
        hop in prop::sample::select(vec![441u32, 480, 882, 960, 1764, 1920, 500]),
        hops in 0u32..4,
        channels in 1u16..=2,
        loose in (0..=flags::OF_BLOCK).prop_map(|bits| bits & flags::OF_BLOCK),
        begins in prop::sample::select(vec![flags::RUN_BEGIN, flags::RUN_BEGIN | flags::START]),
        delay in prop::sample::select(limits::DELAYS_MS.to_vec()),
        grid in -1_000_000_000i64..1_000_000_000,
        (group, role) in (1u16..=16, 0u8..=2),
        (instance, run, sequence, lead) in (identity(), any::<u32>(), any::<u64>(), any::<u32>()),
        (amount, offset_db) in (0.0f32..=1.0, -24.0f32..=24.0),
        (dip_amount, dip_budget_lu) in (0.0f32..=1.0, 0.0f32..=6.0),
        (staging_amount, staging_level_db) in (0.0f32..=1.0, -30.0f32..=0.0),
        (density_amount, high_pass_amount) in (0.0f32..=1.0, 0.0f32..=1.0),
        (groove_amount, groove_limit_ms, groove_constant_ms) in (0.0f32..=1.0, 0.0f32..=20.0, 0.0f32..=20.0),
        (breath_amount, breath_depth_db, room_amount) in (0.0f32..=1.0, 0.0f32..=5.0, 0.0f32..=1.0),
        (beat, tempo) in (-1e9f64..1e9, 0.0f64..999.0),
        sample in -2.0f32..2.0,
        start in prop::collection::btree_map(100u16.., -60.0f32..=0.0, 0..=limits::MAX_VALUES),
    ) -> (Header, Vec<u8>) {
        let announces = if hops == 0 { begins } else { 0 };
        let flags = (loose & !(flags::RUN_BEGIN | flags::START)) | announces;
        let mut header = Header::new(Kind::Block);
        header.beat = if flags & flags::HAS_BEAT == 0 { 0.0 } else { beat };
        header.tempo = if flags & flags::HAS_TEMPO == 0 { 0.0 } else { tempo };
        header = Header {
            flags, group, role, instance, run, sequence, lead, amount, offset_db, channels,
            staging_amount, staging_level_db, density_amount, high_pass_amount,
            groove_amount, groove_limit_ms, groove_constant_ms,
            dip_amount, dip_budget_lu, breath_amount, breath_depth_db, room_amount,
            rate: hop * 100, frames: hop * hops, delay: hop * delay / 10,
            position: grid * if hops == 0 { 1 } else { i64::from(hop) },
            ..header
        };
        let mut payload = Vec::new();
        append_samples(&mut payload, &vec![sample; usize::from(channels) * usize::try_from(hop * hops).unwrap()]);
        if header.has(flags::START) {
            header.count = u32::try_from(start.len()).unwrap();
            payload.extend(Values::new(&start.into_iter().collect::<Vec<_>>()).unwrap().encode());
        }
        (header, payload)
    }
}

/// The payload of a BLOCK, written anew.
fn written(body: &Body<'_>) -> Vec<u8> {
    let Body::Samples(samples, start) = body else { panic!("no samples") };
    let mut payload = Vec::new();
    append_samples(&mut payload, &samples.iter().collect::<Vec<_>>());
    payload.extend(start.encode());
    payload
}

proptest! {
    #[test]
    fn packets_of_one_message_arrive_in_order(blocks in prop::collection::vec(block(), 1..8)) {
        let (mut heads, mut payload) = (Vec::new(), Vec::new());
        for (header, own) in &blocks {
            heads.extend(encode(header, own).unwrap());
            payload.extend(own);
        }
        let frames = [heads, payload];
        let message = decode(&frames).unwrap();
        let packets: Vec<_> = std::iter::once((message.header, message.body)).chain(message.more).collect();
        prop_assert_eq!(packets.len(), blocks.len());
        for ((header, body), (sent, own)) in packets.into_iter().zip(blocks) {
            prop_assert_eq!(header, sent);
            prop_assert_eq!(written(&body), own);
        }
    }

    #[test]
    fn a_block_arrives_as_it_was_sent((header, payload) in block()) {
        let frames = [encode(&header, &payload).unwrap().to_vec(), payload];
        let message = decode(&frames).unwrap();
        prop_assert_eq!(message.header, header);
        prop_assert_eq!(written(&message.body), &frames[1][..]);
    }

    #[test]
    fn values_arrive_as_they_were_sent(
        instance in identity(), end in position(), delay in 0..=limits::MAX_DELAY, run: u32,
        sent in prop::collection::btree_map(100u16.., -60.0f32..=0.0, 0..=limits::MAX_VALUES),
    ) {
        let sent: Vec<_> = sent.into_iter().collect();
        let payload = Values::new(&sent).unwrap().encode();
        let count = u32::try_from(sent.len()).unwrap();
        let header = Header { instance, run, position: end, apply_at: end + delay, count, ..Header::new(Kind::Params) };
        let frames = [encode(&header, &payload).unwrap().to_vec(), payload];
        let message = decode(&frames).unwrap();
        prop_assert_eq!(message.header, header);
        prop_assert!(matches!(message.body, Body::Values(values) if values.as_slice() == sent));
    }

    #[test]
    fn a_join_arrives_as_it_was_sent(
        handle: u32, instance in identity(), session in prop::option::of(identity()),
        label in "\\PC{0,64}", track_name in any::<[char; 3]>().prop_map(String::from_iter),
    ) {
        let join = Join { handle, instance, session, group: 4, label, track_name, rate: 48_000, channels: 2, delay_ms: 40 };
        let frames = Control::Join(join.clone()).encode().unwrap();
        prop_assert_eq!(decode(&frames).unwrap().body, Body::Control(Control::Join(join)));
    }

    #[test]
    fn no_bytes_make_it_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4)) {
        let _ = decode(&frames);
    }

    #[test]
    fn no_json_makes_it_panic(code in 1u16..=18, payload in "[\\[\\]{}\":,0-9a-e\\\\u.-]{0,60}") {
        let [mut head, _] = Control::Bye(None).encode().unwrap();
        head[8..10].copy_from_slice(&code.to_le_bytes());
        let _ = decode(&[head, payload.into_bytes()]);
    }

    #[test]
    fn hex_reads_back(bytes: [u8; 32]) {
        prop_assert_eq!(Hex32(bytes).to_string().parse(), Ok(Hex32(bytes)));
    }
}

#[test]
fn fields_that_a_kind_does_not_use_are_not_sent() {
    let ping = Header { sequence: 5, ..Header::new(Kind::Ping) };
    let loose = Header { group: 3, position: 9, beat: f64::NAN, ..ping };
    assert_eq!(encode(&loose, &[]), encode(&ping, &[]));
}

#[test]
fn what_a_receiver_would_refuse_is_not_sent() {
    assert_eq!(encode(&Header::new(Kind::Leave), &[]), Err(WireError::Instance));
    assert_eq!(Values::new(&[(2, 0.0), (1, 0.0)]), Err(WireError::ValueOrder(1)));
    let long = Control::Bye(Some(Bye { reason: "x".repeat(limits::MAX_TEXT + 1) }));
    assert_eq!(long.encode().unwrap_err().name(), "body");
}

#[test]
fn secrets_do_not_show_in_logs() {
    assert_eq!(format!("{:?}", Hex32([7; 32])), "Hex32(..)");
}

#[test]
fn declared_tables_are_usable() {
    for (index, parameter) in wire::parameters::PARAMETERS.iter().enumerate() {
        assert_eq!(wire::parameters::index_of(parameter.id), Some(index));
        assert_eq!(wire::parameters::index_of_name(parameter.name), Some(index));
    }
    assert_eq!(wire::parameters::index_of(u16::MAX), None);
    assert!(wire::parameters::SCHEMA_HASH.parse::<Hex32>().is_ok());
    let mixing = wire::status::by_code(wire::status::MIXING).unwrap();
    assert_eq!(wire::status::by_name(mixing.name), Some(mixing));
}
