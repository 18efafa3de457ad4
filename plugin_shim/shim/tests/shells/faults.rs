//! When the plugin itself is broken: audio passes, the host lives, the user sees it.

use hybridmix_shim::plugin::fault;

use crate::host::{Call, Host, bits, noise, ready, run};

in_both_formats!(
    a_panic_in_a_block_passes_its_audio_and_shows,
    an_activation_ends_the_error,
    an_allocation_in_a_block_is_noticed,
);

fn strike<H: Host>(host: &mut H, fault: f32) -> (Vec<Vec<f32>>, Vec<Vec<f32>>, crate::host::Answer) {
    let mut input = noise(5, 2, 128);
    input[0][0] = fault;
    let mut output = vec![vec![0.0; 128]; 2];
    let answer = host.process(&Call::default(), &input, &mut output);
    (input, output, answer)
}

fn status<H: Host>(host: &mut H) -> Option<String> {
    let status = host.value(20)?;
    host.text(20, status)
}

fn a_panic_in_a_block_passes_its_audio_and_shows<H: Host>() {
    let mut host = ready::<H>();
    run(&mut host, &Call::default(), 128);
    let (input, output, answer) = strike(&mut host, fault::PANIC);
    assert!(answer.ok);
    assert_eq!(bits(&output), bits(&input));
    assert!(answer.reported.iter().any(|&(id, plain)| (id, plain.round()) == (20, 12.0)));
    for _ in 0..3 {
        host.reset();
        let (input, output, answer) = run(&mut host, &Call::default(), 333);
        assert!(answer.ok);
        assert_eq!(bits(&output), bits(&input));
        assert_eq!(status(&mut host).as_deref(), Some("Internal error"));
    }
    host.edit(2, 50.0);
    assert!(!host.save().is_empty());
}

fn an_activation_ends_the_error<H: Host>() {
    let mut host = ready::<H>();
    strike(&mut host, fault::PANIC);
    host.deactivate();
    host.activate(48_000.0, 512);
    run(&mut host, &Call::default(), 128);
    assert_eq!(status(&mut host).as_deref(), Some("No service"));
}

/// The assertion behind every other test's count.
fn an_allocation_in_a_block_is_noticed<H: Host>() {
    let mut host = ready::<H>();
    assert!(strike(&mut host, fault::ALLOCATE).2.allocations > 0);
    assert_eq!(run(&mut host, &Call::default(), 128).2.allocations, 0);
}
