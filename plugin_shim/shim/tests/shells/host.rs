//! What a test asks of a host, and what it hands to the plugin.

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A parameter as the host sees it, values plain.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    pub id: u32,
    pub name: String,
    pub min: f64,
    pub max: f64,
    pub default: f64,
    pub read_only: bool,
    pub bypass: bool,
    pub stepped: bool,
}

/// One call of process, without its audio.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub offline: bool,
    /// Position of a playing transport.
    pub playing: Option<i64>,
    pub steady: Option<i64>,
    /// Parameter, sample offset, plain value.
    pub changes: Vec<(u32, u32, f64)>,
    /// Output where the input is.
    pub in_place: bool,
    /// No buffers at all; for calls without frames.
    pub without_buffers: bool,
    /// The host says that this many first channels of the input are silent.
    pub silent: usize,
}

/// What came back beside the audio.
#[derive(Debug, Default)]
pub struct Answer {
    pub ok: bool,
    /// Bit per output channel that the plugin calls silent.
    pub silent: u64,
    /// Parameter and plain value that the plugin put out.
    pub reported: Vec<(u32, f64)>,
    /// Allocations of the plugin inside the call.
    pub allocations: u32,
}

/// One instance of the plugin in a host. Dropping it destroys the instance, active or not.
pub trait Host: Sized {
    /// Loads an instance, as a host does when a project is opened.
    fn new() -> Self;
    /// Chooses one or two channels; false when the plugin refuses. Not while active.
    fn set_channels(&mut self, channels: u16) -> bool;
    /// Makes the instance ready to process.
    fn activate(&mut self, rate: f64, max_frames: u32);
    /// Ends that; nothing happens when it is not ready.
    fn deactivate(&mut self);
    /// As after a seek: what is in the plugin's memory belongs to the past.
    fn reset(&mut self);
    /// Processes `input` to `output`, planar and equally long.
    fn process(&mut self, call: &Call, input: &[Vec<f32>], output: &mut [Vec<f32>]) -> Answer;
    /// Every parameter.
    fn params(&mut self) -> Vec<Info>;
    /// Plain value of a parameter, as an editor reads it.
    fn value(&mut self, id: u32) -> Option<f64>;
    /// Sets a parameter from an editor, without processing.
    fn edit(&mut self, id: u32, plain: f64);
    /// What the plugin writes for a plain value.
    fn text(&mut self, id: u32, plain: f64) -> Option<String>;
    /// The plain value that it reads from a text.
    fn parse(&mut self, id: u32, text: &str) -> Option<f64>;
    /// The state, as a project keeps it.
    fn save(&mut self) -> Vec<u8>;
    /// Hands a state back; false when the plugin refuses it.
    fn load(&mut self, state: &[u8]) -> bool;
    /// Tells the plugin the name of its track.
    fn name_track(&mut self, name: &str);
    /// Latency and tail, in samples.
    fn latency_and_tail(&mut self) -> (u32, u32);
    /// How often the plugin asked to be started anew, because its latency is to change.
    fn restarts(&mut self) -> usize;
    /// How often the plugin asked to have its values read anew, always on the main thread.
    fn rescans(&mut self) -> usize;
    /// How often the plugin called the project changed, always on the main thread.
    fn changes(&mut self) -> usize;
}

/// Makes a test of each function that is generic over the format, for each format.
macro_rules! in_both_formats {
    ($($(#[$attribute:meta])* $name:ident),* $(,)?) => {
        mod clap {
            $($(#[$attribute])* #[test] fn $name() { super::$name::<crate::clap_host::ClapHost>(); })*
        }
        mod vst3 {
            $($(#[$attribute])* #[test] fn $name() { super::$name::<crate::vst3_host::Vst3Host>(); })*
        }
    };
}

/// Before the first instance: no service of this machine's user takes part in a test.
pub fn isolate() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let folder = std::env::temp_dir().join(format!("hybridmix-shells-{}", std::process::id()));
        // SAFETY: every test comes here before it does anything that reads the environment.
        unsafe { std::env::set_var("HYBRIDMIX_RUNTIME_DIR", folder) };
    });
}

/// Runs `call`, and counts its allocations on this thread.
pub fn guarded<T>(call: impl FnOnce() -> T) -> (T, u32) {
    let before = assert_no_alloc::violation_count();
    let result = assert_no_alloc::assert_no_alloc(call);
    (result, assert_no_alloc::violation_count() - before)
}

/// Planar noise that depends on nothing but `seed`.
pub fn noise(seed: u64, channels: usize, frames: usize) -> Vec<Vec<f32>> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..channels).map(|_| (0..frames).map(|_| next()).collect()).collect()
}

/// The bits of all samples: NaN equals itself here, and 0 is not -0.
pub fn bits(audio: &[Vec<f32>]) -> Vec<u32> {
    audio.iter().flatten().map(|sample| sample.to_bits()).collect()
}

/// A loaded instance, ready to process two channels at 48 kHz.
pub fn ready<H: Host>() -> H {
    let mut host = H::new();
    host.activate(48_000.0, 512);
    host
}

/// Like [`ready`], at a rate that no other test uses: instances of one group and rate measure each other.
pub fn ready_alone<H: Host>() -> H {
    static NEXT: AtomicU32 = AtomicU32::new(50_000);
    let mut host = H::new();
    host.activate(f64::from(NEXT.fetch_add(100, Relaxed)), 512);
    host
}

/// Processes noise of `frames` frames in two channels and returns input, output and the rest.
pub fn run<H: Host>(host: &mut H, call: &Call, frames: usize) -> (Vec<Vec<f32>>, Vec<Vec<f32>>, Answer) {
    let input = noise(frames as u64 + 7, 2, frames);
    let mut output = vec![vec![0.5; frames]; 2];
    let answer = host.process(call, &input, &mut output);
    (input, output, answer)
}
