//! UDP sockets of the system, with ICMP errors read from the error queue on Linux (ip(7), `IP_RECVERR`).

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use async_trait::async_trait;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::network::{Arrival, Datagrams, Handling};
use crate::model::outcome::{Outcome, Unreachable};

/// The largest UDP payload.
const LARGEST_DATAGRAM: usize = 65_535;

/// The wish for the receive buffer in bytes: the default holds only some 256 small datagrams.
const RECEIVE_BUFFER: usize = 1 << 20;

thread_local! {
    /// Where datagrams are read into: clearing as much for each would cost more than reading it.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; LARGEST_DATAGRAM]);
}

/// A UDP socket of the system.
#[derive(Debug)]
pub struct SystemDatagrams {
    socket: UdpSocket,
    local: SocketAddr,
}

/// How a socket is bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// The local address to use.
    pub address: Option<IpAddr>,
    /// The interface to use.
    pub interface: Option<String>,
}

impl SystemDatagrams {
    /// Binds a socket of the family of `towards`.
    ///
    /// # Errors
    ///
    /// What the system says, for instance that the family is not supported.
    pub fn bind(towards: IpAddr, binding: &Binding, handling: Handling) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(SocketAddr::new(towards, 0)), Type::DGRAM, Some(Protocol::UDP))?;
        let unspecified = match towards {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => {
                socket.set_only_v6(true)?;
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            }
        };
        bind_to_interface(&socket, binding)?;
        let address = binding.address.filter(|address| address.is_ipv4() == towards.is_ipv4()).unwrap_or(unspecified);
        socket.bind(&SocketAddr::new(address, handling.port.unwrap_or_default()).into())?;
        socket.set_nonblocking(true)?;
        // Less is no harm: the wish is bounded by net.core.rmem_max.
        _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        error_queue::enable(&socket, towards)?;
        limit_hops(&socket, towards, handling.hops)?;
        let socket = UdpSocket::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local })
    }

    fn try_receive(&self) -> io::Result<Arrival> {
        SCRATCH.with_borrow_mut(|buffer| {
            let (length, from) = self.socket.try_recv_from(buffer)?;
            Ok(Arrival::Datagram { from, bytes: buffer[..length].to_vec() })
        })
    }
}

/// Sets how many routers may pass a socket's packets on, where that is limited.
///
/// # Errors
///
/// What the system says.
pub fn limit_hops(socket: &Socket, towards: IpAddr, hops: Option<u8>) -> io::Result<()> {
    match (hops, towards) {
        (None, _) => Ok(()),
        (Some(hops), IpAddr::V4(_)) => socket.set_ttl_v4(hops.into()),
        (Some(hops), IpAddr::V6(_)) => socket.set_unicast_hops_v6(hops.into()),
    }
}

/// Binds a socket to a network interface, where one was named.
///
/// # Errors
///
/// What the system says, for instance that the interface doesn't exist.
pub fn bind_to_interface(socket: &Socket, binding: &Binding) -> io::Result<()> {
    let Some(interface) = &binding.interface else { return Ok(()) };
    #[cfg(target_os = "linux")]
    return socket.bind_device(Some(interface.as_bytes()));
    #[cfg(not(target_os = "linux"))]
    return Err(io::Error::new(
        io::ErrorKind::Unsupported,
        format!("can't bind to the interface {interface} on this system: give its address"),
    ));
}

#[async_trait(?Send)]
impl Datagrams for SystemDatagrams {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Outcome> {
        // A pending ICMP error is reported by the next send, which then did not happen: the second try is the real one.
        // The kernel's socket is asked and not tokio's, whose readiness is unknown until the reactor has run.
        let socket = SockRef::from(&self.socket);
        let to = to.into();
        let first = socket.send_to(bytes, &to);
        match first.or_else(|_| socket.send_to(bytes, &to)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(outcome_of(&error, None)),
        }
    }

    async fn receive(&self) -> Arrival {
        loop {
            let readiness = self.socket.ready(Interest::READABLE.add(error_queue::INTEREST)).await;
            let Ok(readiness) = readiness else { return std::future::pending().await };
            // A look into an empty queue would cost each datagram one more call.
            let error = if readiness.is_error() { error_queue::read(&self.socket) } else { None };
            if let Some(error) = error {
                return error;
            }
            match self.try_receive() {
                Ok(arrival) => return arrival,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && !readiness.is_error() => {}
                // An ICMP error shows here once more; its details are in the error queue.
                Err(_) => tokio::task::yield_now().await,
            }
        }
    }
}

/// What an error of a socket says about the network.
#[must_use]
#[expect(clippy::wildcard_enum_match_arm, reason = "the system's kinds of errors are many, and more are added")]
pub fn outcome_of(error: &io::Error, peer: Option<IpAddr>) -> Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outcome::Unreachable { reason: Unreachable::Port, from: peer },
        io::ErrorKind::HostUnreachable => Outcome::Unreachable { reason: Unreachable::Host, from: None },
        io::ErrorKind::PermissionDenied => Outcome::DeniedLocally,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => Outcome::NoRoute,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Outcome::Closed,
        io::ErrorKind::TimedOut => Outcome::Silent,
        _ if error.raw_os_error() == Some(nix::libc::EAFNOSUPPORT) => Outcome::NoRoute,
        _ => Outcome::Unreachable { reason: Unreachable::Other, from: None },
    }
}

#[cfg(target_os = "linux")]
mod error_queue {
    //! ICMP errors of unconnected sockets, with the host that sent them and the destination that they are about.

    use std::io::{self, IoSliceMut};
    use std::net::{IpAddr, SocketAddr};
    use std::os::fd::AsRawFd;

    use nix::cmsg_space;
    use nix::libc;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
    use socket2::Socket;
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use crate::model::outcome::Unreachable;
    use crate::net::network::Arrival;

    pub const INTEREST: Interest = Interest::ERROR;

    pub fn enable(socket: &Socket, towards: IpAddr) -> io::Result<()> {
        match towards {
            IpAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true)?,
            IpAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true)?,
        }
        Ok(())
    }

    pub fn read(socket: &UdpSocket) -> Option<Arrival> {
        // Errors of our own host (a full queue, a missing neighbour) carry no ICMP type and are passed over.
        while let Ok(found) = socket.try_io(Interest::ERROR, || read_one(socket)) {
            if found.is_some() {
                return found;
            }
        }
        None
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "other control messages are no errors")]
    fn read_one(socket: &UdpSocket) -> io::Result<Option<Arrival>> {
        let mut payload = [0; 256];
        let mut slices = [IoSliceMut::new(&mut payload)];
        let mut control = cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
        let message = recvmsg::<SockaddrStorage>(
            socket.as_raw_fd(),
            &mut slices,
            Some(&mut control),
            MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT,
        )?;
        let Some(to) = message.address.as_ref().and_then(address) else { return Ok(None) };
        for control in message.cmsgs()? {
            let (told, from) = match control {
                ControlMessageOwned::Ipv4RecvErr(error, offender) => {
                    (told_v4(&error), offender.map(|it| IpAddr::V4(u32::from_be(it.sin_addr.s_addr).into())))
                }
                ControlMessageOwned::Ipv6RecvErr(error, offender) => {
                    (told_v6(&error), offender.map(|it| IpAddr::V6(it.sin6_addr.s6_addr.into())))
                }
                _ => continue,
            };
            let from = from.filter(|from| !from.is_unspecified());
            match (told, from) {
                (Some(Told::Unreachable(reason)), from) => return Ok(Some(Arrival::Icmp { to, reason, from })),
                (Some(Told::Expired), Some(from)) => return Ok(Some(Arrival::Expired { to, from })),
                (Some(Told::Expired), None) | (None, _) => {}
            }
        }
        Ok(None)
    }

    fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
        let v4 = storage.as_sockaddr_in().map(|it| SocketAddr::new(it.ip().into(), it.port()));
        v4.or_else(|| storage.as_sockaddr_in6().map(|it| SocketAddr::new(it.ip().into(), it.port())))
    }

    /// What an ICMP error says.
    enum Told {
        Unreachable(Unreachable),
        /// Its datagram had passed as many routers as it may.
        Expired,
    }

    /// Destination unreachable is type 3 (RFC 792); codes 9, 10 and 13 are prohibitions (RFC 1812 §5.2.7.1). Time exceeded is type 11, in
    /// transit with code 0.
    fn told_v4(error: &libc::sock_extended_err) -> Option<Told> {
        match (error.ee_origin, error.ee_type, error.ee_code) {
            (libc::SO_EE_ORIGIN_LOCAL, ..) => unreachable_locally(error),
            // "Fragmentation needed": the system has taken note, and sends smaller pieces from now on.
            (libc::SO_EE_ORIGIN_ICMP, 3, 4) => None,
            (libc::SO_EE_ORIGIN_ICMP, 3, code) => Some(Told::Unreachable(match code {
                0 => Unreachable::Network,
                1 => Unreachable::Host,
                3 => Unreachable::Port,
                9 | 10 | 13 => Unreachable::Prohibited,
                _ => Unreachable::Other,
            })),
            (libc::SO_EE_ORIGIN_ICMP, 11, 0) => Some(Told::Expired),
            _ => None,
        }
    }

    /// Destination unreachable is type 1 (RFC 4443 §3.1), time exceeded type 3, in transit with code 0 (§3.3).
    fn told_v6(error: &libc::sock_extended_err) -> Option<Told> {
        match (error.ee_origin, error.ee_type, error.ee_code) {
            (libc::SO_EE_ORIGIN_LOCAL, ..) => unreachable_locally(error),
            (libc::SO_EE_ORIGIN_ICMP6, 1, code) => Some(Told::Unreachable(match code {
                0 => Unreachable::Network,
                1 | 5 | 6 => Unreachable::Prohibited,
                3 => Unreachable::Host,
                4 => Unreachable::Port,
                _ => Unreachable::Other,
            })),
            (libc::SO_EE_ORIGIN_ICMP6, 3, 0) => Some(Told::Expired),
            _ => None,
        }
    }

    fn unreachable_locally(error: &libc::sock_extended_err) -> Option<Told> {
        (error.ee_errno == libc::EHOSTUNREACH.unsigned_abs()).then_some(Told::Unreachable(Unreachable::Host))
    }
}

#[cfg(not(target_os = "linux"))]
mod error_queue {
    //! Other systems tell of ICMP errors on connected sockets only; callcheck then reads them as silence.

    use std::io;
    use std::net::IpAddr;

    use socket2::Socket;
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use crate::net::network::Arrival;

    pub const INTEREST: Interest = Interest::READABLE;

    pub fn enable(_socket: &Socket, _towards: IpAddr) -> io::Result<()> {
        Ok(())
    }

    pub fn read(_socket: &UdpSocket) -> Option<Arrival> {
        None
    }
}
