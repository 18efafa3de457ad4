//! Where to connect to.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

/// Longest path of an ipc endpoint in bytes; the system's socket addresses hold no more.
pub const MAX_IPC_PATH: usize = 107;

/// An endpoint: `ipc:///run/user/1000/name.sock` or `tcp://127.0.0.1:5555`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A Unix socket in the file system.
    Ipc(PathBuf),
    /// A TCP address, numeric.
    Tcp(SocketAddr),
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Neither `ipc://` nor `tcp://`.
    #[error("endpoint \"{0}\": expected ipc://PATH or tcp://ADDRESS:PORT")]
    Scheme(String),
    /// Not an address with a port.
    #[error("endpoint \"{0}\": expected a numeric address and port, such as tcp://127.0.0.1:5555")]
    Address(String),
    /// Not an absolute path (names without a file have no owner that could be checked).
    #[error("endpoint \"{0}\": expected an absolute path, such as ipc:///run/user/1000/name.sock")]
    Path(String),
    /// The path does not fit a socket address.
    #[error("endpoint \"{path}\": the path has {length} bytes, at most {MAX_IPC_PATH} are possible")]
    TooLong {
        /// The path.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
}

impl Endpoint {
    /// An ipc endpoint at `path`, which must be absolute and at most [`MAX_IPC_PATH`] bytes long.
    pub fn ipc(path: impl AsRef<Path>) -> Result<Self, EndpointError> {
        let path = path.as_ref();
        let shown = || path.display().to_string();
        let bytes = path.as_os_str().as_encoded_bytes();
        if !path.is_absolute() || bytes.contains(&0) {
            return Err(EndpointError::Path(shown()));
        }
        if bytes.len() > MAX_IPC_PATH {
            return Err(EndpointError::TooLong { path: shown(), length: bytes.len() });
        }
        Ok(Self::Ipc(path.to_path_buf()))
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if let Some(path) = text.strip_prefix("ipc://") {
            Self::ipc(path)
        } else if let Some(address) = text.strip_prefix("tcp://") {
            let address: SocketAddr = address.parse().map_err(|_| EndpointError::Address(text.to_owned()))?;
            if address.port() == 0 {
                Err(EndpointError::Address(text.to_owned()))
            } else {
                Ok(Self::Tcp(address))
            }
        } else {
            Err(EndpointError::Scheme(text.to_owned()))
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_survive_a_round_trip_through_text() {
        for text in ["ipc:///run/user/1000/a b.sock", "tcp://127.0.0.1:5555", "tcp://[::1]:80"] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_by_name() {
        let refused = |text: &str| text.parse::<Endpoint>().unwrap_err();
        assert!(matches!(refused("inproc://a"), EndpointError::Scheme(_)));
        assert!(matches!(refused(""), EndpointError::Scheme(_)));
        for text in ["tcp://localhost:1", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://*:5555"] {
            assert!(matches!(refused(text), EndpointError::Address(_)), "{text}");
        }
        for text in ["ipc://", "ipc://@abstract", "ipc://relative/a", "ipc://*", "ipc:///a\0b"] {
            assert!(matches!(refused(text), EndpointError::Path(_)), "{text:?}");
        }
    }

    #[test]
    fn the_longest_path_fits_and_one_more_byte_does_not() {
        let path = |length: usize| format!("ipc:///{}", "x".repeat(length - 1));
        assert!(path(MAX_IPC_PATH).parse::<Endpoint>().is_ok());
        let error = path(MAX_IPC_PATH + 1).parse::<Endpoint>().unwrap_err();
        assert!(matches!(error, EndpointError::TooLong { length: 108, .. }), "{error}");
    }
}
