//! Turns the declarations in `python_service/hybridmix/schema` into Rust tables.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Most values that one PARAMS may carry.
const MAX_PARAMETERS: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    parameter: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    id: u16,
    name: String,
    section: String,
    unit: String,
    min: f32,
    max: f32,
    neutral: f32,
    ramp_ms: f32,
    slew_per_s: f32,
    source: String,
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statuses {
    status: Vec<Status>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    code: u32,
    name: String,
    text: String,
    sentence: String,
    fix: String,
}

fn main() {
    let schema = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../python_service/hybridmix/schema");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=build.rs");
    for (source, target, generate) in [
        ("parameters.toml", "parameters.rs", parameters as fn(&str) -> Result<String, String>),
        ("status.toml", "status.rs", statuses),
    ] {
        let path = schema.join(source);
        println!("cargo::rerun-if-changed={}", path.display());
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let code = generate(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        std::fs::write(out.join(target), code).expect("OUT_DIR is writable");
    }
}

fn parameters(text: &str) -> Result<String, String> {
    let declared: Parameters = toml::from_str(text).map_err(|e| e.to_string())?;
    let all = &declared.parameter;
    if all.len() > MAX_PARAMETERS {
        return Err(format!("{} parameters; one message carries at most {MAX_PARAMETERS}", all.len()));
    }
    if !all.is_sorted_by(|a, b| a.id < b.id) {
        return Err("ids must ascend, each once".into());
    }
    let mut code = format!(
        "/// SHA-256 of `parameters.toml`, in hex: what WELCOME names.\npub const SCHEMA_HASH: &str = {:?};\n\n\
         /// Every value that travels from the service to the shim, by ascending id.\n\
         pub static PARAMETERS: [Parameter; {}] = [\n",
        hex(text),
        all.len()
    );
    for p in all {
        if !(p.min < p.max && (p.min..=p.max).contains(&p.neutral) && p.ramp_ms > 0.0 && p.slew_per_s > 0.0) {
            return Err(format!(
                "{}: min < max, neutral between them, ramp_ms and slew_per_s above 0",
                p.name
            ));
        }
        let _ = writeln!(
            code,
            "    Parameter {{ id: {}, name: {:?}, section: {:?}, unit: {:?}, min: {:?}, max: {:?}, neutral: {:?}, \
             ramp_ms: {:?}, slew_per_s: {:?}, source: {:?}, description: {:?} }},",
            p.id,
            p.name,
            p.section,
            p.unit,
            p.min,
            p.max,
            p.neutral,
            p.ramp_ms,
            p.slew_per_s,
            p.source,
            p.description
        );
    }
    code.push_str("];\n");
    Ok(code)
}

fn statuses(text: &str) -> Result<String, String> {
    let declared: Statuses = toml::from_str(text).map_err(|e| e.to_string())?;
    let all = &declared.status;
    let mut code = String::new();
    let mut table = format!(
        "/// Every state that the plugin shows, by code.\npub static STATUSES: [Status; {}] = [\n",
        all.len()
    );
    for (index, s) in all.iter().enumerate() {
        if usize::try_from(s.code) != Ok(index) {
            return Err(format!("{}: code {} where {index} was expected", s.name, s.code));
        }
        if s.text.chars().count() > 30 {
            return Err(format!("{}: text is longer than 30 characters", s.name));
        }
        let _ = writeln!(
            code,
            "/// {}\npub const {}: u32 = {};",
            s.sentence,
            s.name.to_ascii_uppercase(),
            s.code
        );
        let _ = writeln!(
            table,
            "    Status {{ code: {}, name: {:?}, text: {:?}, sentence: {:?}, fix: {:?} }},",
            s.code, s.name, s.text, s.sentence, s.fix
        );
    }
    table.push_str("];\n");
    Ok(format!("{code}\n{table}"))
}

fn hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
