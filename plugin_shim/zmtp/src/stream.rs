//! The two kinds of socket: non-blocking, closed on exec, never raising SIGPIPE.

use std::io::{self, Read};

use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use crate::endpoint::Endpoint;
use crate::error::Error;

/// A socket on its way to being connected, or connected. mio opens both kinds non-blocking and close-on-exec.
#[derive(Debug)]
pub(crate) enum Stream {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    /// Begins to connect. For ipc the peer's user is checked here, before a byte is sent.
    pub(crate) fn connect(endpoint: &Endpoint, expected_uid: Option<u32>) -> Result<Self, Error> {
        match endpoint {
            Endpoint::Tcp(address) => TcpStream::connect(*address).map(Self::Tcp).map_err(Error::Connect),
            #[cfg(unix)]
            Endpoint::Ipc(path) => {
                let stream = UnixStream::connect(path).map_err(Error::Connect)?;
                if let Some(expected) = expected_uid {
                    check_peer(&stream, expected)?;
                }
                Ok(Self::Unix(stream))
            }
            #[cfg(not(unix))]
            Endpoint::Ipc(_) => Err(Error::Connect(io::ErrorKind::Unsupported.into())),
        }
    }

    /// Whether the connection stands by now; `false` while the system is still at it.
    pub(crate) fn is_connected(&self) -> Result<bool, Error> {
        match self {
            #[cfg(unix)]
            Self::Unix(_) => Ok(true),
            Self::Tcp(stream) => {
                if let Some(error) = stream.take_error().map_err(Error::Connect)? {
                    return Err(Error::Connect(error));
                }
                match (stream.peer_addr(), stream.local_addr()) {
                    (Ok(peer), Ok(local)) if peer == local => Err(Error::SelfConnected),
                    (Ok(_), _) => {
                        // Small messages must not wait for each other; a system that refuses is only slower.
                        let _ = stream.set_nodelay(true);
                        Ok(true)
                    }
                    (Err(error), _) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
                    (Err(error), _) => Err(Error::Connect(error)),
                }
            }
        }
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(into),
            Self::Tcp(stream) => stream.read(into),
        }
    }

    /// Sends what fits.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Unix(stream) => send(stream, bytes),
            Self::Tcp(stream) => send(stream, bytes),
        }
    }

    /// Asks to hear of it when the socket can be read or written.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Ends [`Stream::register`].
    pub(crate) fn deregister(&mut self, registry: &Registry) {
        // Closing the socket would end it too; nothing is lost if this fails.
        let _ = self.source().deregister(registry);
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            #[cfg(unix)]
            Self::Unix(stream) => stream,
            Self::Tcp(stream) => stream,
        }
    }
}

/// Writing to a closed socket raises SIGPIPE, which ends a host that does not expect it: asked not to, per call.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn send(stream: &impl std::os::fd::AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(stream, bytes, rustix::net::SendFlags::NOSIGNAL)?)
}

/// Elsewhere mio sets the socket's own option (Apple), or there is no such signal (Windows).
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn send(stream: &mut impl io::Write, bytes: &[u8]) -> io::Result<usize> {
    stream.write(bytes)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn check_peer(stream: &UnixStream, expected: u32) -> Result<(), Error> {
    let peer = rustix::net::sockopt::socket_peercred(stream).map_err(|errno| Error::Connect(errno.into()))?;
    let found = peer.uid.as_raw();
    if found == expected { Ok(()) } else { Err(Error::PeerUser { expected, found }) }
}

/// Here the folder's owner and mode are the only guard.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn check_peer(_stream: &UnixStream, _expected: u32) -> Result<(), Error> {
    Ok(())
}
