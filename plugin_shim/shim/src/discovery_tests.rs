use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::*;

/// A runtime folder of a live service: the lock is held for as long as this value lives.
struct Folder {
    dir: PathBuf,
    _lock: Option<File>,
    _socket: UnixListener,
}

impl Folder {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("hm-discovery-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o700)).unwrap();
        let lock = File::create(dir.join("service.lock")).unwrap();
        fs::set_permissions(dir.join("service.lock"), Permissions::from_mode(0o600)).unwrap();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
        let socket = UnixListener::bind(dir.join("service.sock")).unwrap();
        let folder = Self { dir, _lock: Some(lock), _socket: socket };
        folder.announce(&"a5".repeat(32));
        folder
    }

    fn announce(&self, token: &str) {
        let endpoint = format!("ipc://{}", self.dir.join("service.sock").display());
        let text = serde_json::json!({"protocol": [1, 0], "endpoint": endpoint, "pid": 7, "token": token, "version": "0.1.0"});
        self.write("service.json", &text.to_string());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).unwrap();
        fs::set_permissions(self.dir.join(name), Permissions::from_mode(0o600)).unwrap();
    }

    fn refusal(&self) -> String {
        match look(&self.dir) {
            Err(Trouble::Untrusted { path, reason }) => {
                format!("{}: {reason}", path.file_name().unwrap().to_string_lossy())
            }
            other => panic!("not refused: {other:?}"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn a_live_service_is_found_and_its_token_never_printed() {
    let folder = Folder::new("live");
    let service = look(&folder.dir).unwrap();
    assert_eq!(service.pid, 7);
    assert!(!format!("{service:?}").contains("a5a5"));
}

#[test]
fn no_folder_or_no_file_means_no_service() {
    assert_eq!(look(Path::new("/nonexistent/hybridmix")), Err(Trouble::Absent));
    let folder = Folder::new("nofile");
    fs::remove_file(folder.dir.join("service.json")).unwrap();
    assert_eq!(look(&folder.dir), Err(Trouble::Absent));
}

#[test]
fn a_file_whose_lock_is_free_is_stale() {
    let mut folder = Folder::new("stale");
    folder._lock = None;
    assert_eq!(look(&folder.dir), Err(Trouble::Absent));
}

#[test]
fn looking_leaves_the_lock_free_for_a_service_that_starts() {
    let mut folder = Folder::new("free");
    folder._lock = None;
    assert_eq!(look(&folder.dir), Err(Trouble::Absent));
    let lock = File::open(folder.dir.join("service.lock")).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
}

#[test]
fn what_other_users_can_open_is_refused() {
    let folder = Folder::new("mode");
    fs::set_permissions(folder.dir.join("service.json"), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(folder.refusal(), "service.json: is open to other users");
    fs::set_permissions(&folder.dir, Permissions::from_mode(0o755)).unwrap();
    assert!(folder.refusal().ends_with("is open to other users"));
}

#[test]
fn a_folder_of_another_user_is_refused() {
    // The root of the file system belongs to user 0, `/proc/1` too: one of them is foreign, or open to others.
    assert!(matches!(look(Path::new("/")), Err(Trouble::Untrusted { .. })));
}

#[test]
fn links_are_refused() {
    let folder = Folder::new("link");
    let link = folder.dir.with_extension("link");
    let _ = fs::remove_file(&link);
    symlink(&folder.dir, &link).unwrap();
    let through_link = look(&link);
    fs::remove_file(&link).unwrap();
    assert!(matches!(through_link, Err(Trouble::Untrusted { .. })), "{through_link:?}");
    fs::rename(folder.dir.join("service.json"), folder.dir.join("other.json")).unwrap();
    symlink(folder.dir.join("other.json"), folder.dir.join("service.json")).unwrap();
    assert!(folder.refusal().starts_with("service.json: cannot be opened"));
}

#[test]
fn an_announcement_that_is_garbage_too_large_or_without_token_is_refused() {
    let folder = Folder::new("garbage");
    folder.write("service.json", "\u{0}{]");
    assert!(folder.refusal().contains("is not a service announcement"));
    folder.write("service.json", &" ".repeat(70_000));
    assert_eq!(folder.refusal(), "service.json: cannot be read whole");
    folder.announce("abc");
    assert!(folder.refusal().starts_with("service.json: is not a service announcement"));
}

#[test]
fn another_major_version_is_named_whatever_else_its_file_holds() {
    let folder = Folder::new("version");
    folder.write("service.json", r#"{"protocol": [2, 3], "address": 5}"#);
    let trouble = look(&folder.dir).unwrap_err();
    assert_eq!(
        trouble.to_string(),
        "The service speaks protocol 2.3, this plugin 1.0; install both from the same release"
    );
}

#[test]
fn a_plain_file_in_place_of_the_socket_is_refused() {
    let folder = Folder::new("socket");
    fs::remove_file(folder.dir.join("service.sock")).unwrap();
    folder.write("service.sock", "");
    assert_eq!(folder.refusal(), "service.sock: is not a socket");
}

#[test]
fn the_folder_comes_from_the_first_variable_that_is_set() {
    let own = OsStr::new("/run/mine");
    let runtime = OsStr::new("/run/user/5");
    assert_eq!(choose_dir(Some(own), Some(runtime), 5), Path::new("/run/mine"));
    assert_eq!(choose_dir(Some(OsStr::new("")), Some(runtime), 5), Path::new("/run/user/5/hybridmix"));
    assert_eq!(choose_dir(None, None, 5), Path::new("/tmp/hybridmix-5"));
}
