//! Finding the service: a private folder, a lock that says whether the service lives, and a file with its address.

use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, Stat, flock, fstat, open, openat, statat};
use rustix::io::Errno;
use serde::Deserialize;
use wire::Hex32;
use wire::limits::PROTOCOL;

/// Larger discovery files are refused unread.
const MAX_FILE: u64 = 64 * 1024;

/// A live service, as its discovery file describes it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// `ipc://PATH` or `tcp://127.0.0.1:PORT`.
    pub endpoint: String,
    /// Process id, for messages only.
    pub pid: u32,
    /// The shared secret; never printed.
    pub token: Hex32,
}

/// What a file of any version says.
#[derive(Deserialize)]
struct Versioned {
    protocol: [u16; 2],
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "service {} at {}", self.pid, self.endpoint)
    }
}

/// Why there is nothing to connect to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No folder, no file, or a file whose service is gone.
    #[error("No HybridMix service is running; start it with: hybridmix serve")]
    Absent,
    /// A service of another major version.
    #[error(
        "The service speaks protocol {}.{}, this plugin {}.{}; install both from the same release",
        .0[0], .0[1], PROTOCOL[0], PROTOCOL[1]
    )]
    OtherVersion([u16; 2]),
    /// Something there is not ours alone.
    #[error("{path}: {reason}; remove it and start the service again")]
    Untrusted {
        /// What was looked at.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The folder where this user's service is announced.
///
/// `$HYBRIDMIX_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/hybridmix`, else `/tmp/hybridmix-<uid>`.
pub fn runtime_dir() -> PathBuf {
    choose_dir(
        std::env::var_os("HYBRIDMIX_RUNTIME_DIR").as_deref(),
        std::env::var_os("XDG_RUNTIME_DIR").as_deref(),
        own_uid(),
    )
}

/// The user this process acts as.
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn choose_dir(own: Option<&OsStr>, runtime: Option<&OsStr>, uid: u32) -> PathBuf {
    let named = |value: Option<&OsStr>| value.filter(|v| !v.is_empty()).map(PathBuf::from);
    named(own)
        .or_else(|| named(runtime).map(|dir| dir.join("hybridmix")))
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/hybridmix-{uid}")))
}

/// Reads the announcement in `dir`. Never waits; holds no file when it returns.
pub fn look(dir: &Path) -> Result<Service, Trouble> {
    let folder = open_folder(dir)?;
    let lock = open_own(&folder, dir, "service.lock")?;
    // The service holds this lock exclusively for as long as it lives: who can share it is alone.
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => return Err(Trouble::Absent),
        Err(Errno::WOULDBLOCK) => {}
        Err(error) => {
            return Err(untrusted(&dir.join("service.lock"), &format!("cannot be asked ({error})")));
        }
    }
    let path = dir.join("service.json");
    let file = open_own(&folder, dir, "service.json")?;
    let mut text = Vec::new();
    let read = std::fs::File::from(file).take(MAX_FILE + 1).read_to_end(&mut text);
    if read.is_err() || text.len() as u64 > MAX_FILE {
        return Err(untrusted(&path, "cannot be read whole"));
    }
    let garbled = |error| untrusted(&path, &format!("is not a service announcement ({error})"));
    let Versioned { protocol } = serde_json::from_slice(&text).map_err(garbled)?;
    if protocol[0] != PROTOCOL[0] {
        return Err(Trouble::OtherVersion(protocol));
    }
    let service: Service = serde_json::from_slice(&text).map_err(garbled)?;
    if let Some(socket) = service.endpoint.strip_prefix("ipc://") {
        check_socket(Path::new(socket))?;
    }
    Ok(service)
}

fn open_folder(dir: &Path) -> Result<OwnedFd, Trouble> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match open(dir, flags, Mode::empty()) {
        Ok(folder) => folder,
        Err(Errno::NOENT) => return Err(Trouble::Absent),
        Err(_) => return Err(untrusted(dir, "is not a folder of this user")),
    };
    check(&folder, dir, FileType::Directory, "folder")?;
    Ok(folder)
}

/// Opens a file of the folder. Refuses links, and never blocks on a pipe that was put in its place.
fn open_own(folder: &OwnedFd, dir: &Path, name: &str) -> Result<OwnedFd, Trouble> {
    let path = dir.join(name);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Err(Trouble::Absent),
        Err(error) => return Err(untrusted(&path, &format!("cannot be opened ({error})"))),
    };
    check(&file, &path, FileType::RegularFile, "file")?;
    Ok(file)
}

fn check(fd: &OwnedFd, path: &Path, kind: FileType, word: &str) -> Result<(), Trouble> {
    let stat = fstat(fd).map_err(|error| untrusted(path, &format!("cannot be examined ({error})")))?;
    check_stat(&stat, path, kind, word)?;
    if stat.st_mode & 0o077 != 0 {
        return Err(untrusted(path, "is open to other users"));
    }
    Ok(())
}

fn check_stat(stat: &Stat, path: &Path, kind: FileType, word: &str) -> Result<(), Trouble> {
    if FileType::from_raw_mode(stat.st_mode) != kind {
        return Err(untrusted(path, &format!("is not a {word}")));
    }
    if stat.st_uid != own_uid() {
        return Err(untrusted(path, &format!("belongs to user {}, not to this user", stat.st_uid)));
    }
    Ok(())
}

fn check_socket(path: &Path) -> Result<(), Trouble> {
    match statat(CWD, path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => check_stat(&stat, path, FileType::Socket, "socket"),
        Err(Errno::NOENT) => Err(Trouble::Absent),
        Err(error) => Err(untrusted(path, &format!("cannot be examined ({error})"))),
    }
}

fn untrusted(path: &Path, reason: &str) -> Trouble {
    Trouble::Untrusted { path: path.to_path_buf(), reason: reason.to_owned() }
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
