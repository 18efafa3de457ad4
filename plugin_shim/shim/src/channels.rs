//! Stretches of a block's channels, without allocation.

/// Calls `with` on samples `from..to` of every channel: one or two, equally long.
pub(crate) fn part(
    channels: &mut [&mut [f32]],
    (from, to): (usize, usize),
    with: impl FnOnce(&mut [&mut [f32]]),
) {
    match channels {
        [mono] => with(&mut [&mut mono[from..to]]),
        [left, right] => with(&mut [&mut left[from..to], &mut right[from..to]]),
        _ => {}
    }
}

/// Samples per channel.
pub(crate) fn length(channels: &[&mut [f32]]) -> usize {
    channels.first().map_or(0, |channel| channel.len())
}

/// A count of samples as a difference of positions.
pub(crate) fn signed(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX)
}

/// A difference of positions as a count of samples; 0 below.
pub(crate) fn unsigned(samples: i64) -> usize {
    usize::try_from(samples).unwrap_or(0)
}
