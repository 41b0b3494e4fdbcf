//! Takes the ports of a range: each that no other program has, for UDP and, where the descriptors suffice, for TCP.

use std::io;
use std::net::{SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use crate::model::ports::{PortRange, PortSet};
use crate::net::descriptors;

/// Descriptors beside those of the ports: connections under way and what the program itself has open.
const BESIDE: u64 = 600;

/// Connections that wait at one port; each has one question.
const BACKLOG: i32 = 16;

/// Why no responder can be had.
#[derive(Debug, thiserror::Error)]
pub enum NoPorts {
    /// The address or the port to listen on can't be had.
    #[error("{0}")]
    Listen(io::Error),
    /// The descriptors don't suffice for UDP alone.
    #[error("{ports} UDP ports need {needed} open sockets, and this process may have {allowed}")]
    Descriptors {
        /// How many UDP ports were to be taken.
        ports: u32,
        /// The descriptors that they take, with some beside.
        needed: u64,
        /// Those that are allowed.
        allowed: u64,
    },
    /// The system gives no more sockets for another reason.
    #[error("port {port}: {error}")]
    System {
        /// The port that could not be taken.
        port: u16,
        /// What the system says.
        error: io::Error,
    },
}

/// The ports that were taken.
#[derive(Debug)]
pub struct Ports {
    /// The sockets, the port of the control exchange among them.
    pub udp: Vec<UdpSocket>,
    /// The listeners, the port of the control exchange among them.
    pub tcp: Vec<TcpListener>,
    /// The UDP ports of the range that others have.
    pub udp_taken: PortSet,
    /// The TCP ports of the range that others have; `None` where the descriptors suffice for UDP alone.
    pub tcp_taken: Option<PortSet>,
    /// The limit of descriptors, and what both protocols would take.
    pub descriptors: (u64, u64),
}

/// Takes the port to listen on and all ports of a range that are free; must be called within a runtime.
///
/// # Errors
///
/// [`NoPorts`] where the first can't be had, or the system doesn't give enough sockets.
pub fn take(listen: SocketAddr, range: PortRange) -> Result<Ports, NoPorts> {
    let count = u64::from(range.count()) + 1;
    let both = 2 * count + BESIDE;
    let allowed = descriptors::allow(both);
    let udp_alone = count + 1 + BESIDE;
    if allowed < udp_alone {
        return Err(NoPorts::Descriptors { ports: range.count(), needed: udp_alone, allowed });
    }
    let mut udp = vec![udp_socket(listen).map_err(NoPorts::Listen)?];
    let mut tcp = vec![tcp_listener(listen).map_err(NoPorts::Listen)?];
    let udp_taken = take_range(listen, range, udp_socket, &mut udp)?;
    let tcp_taken = if allowed >= both { Some(take_range(listen, range, tcp_listener, &mut tcp)?) } else { None };
    Ok(Ports { udp, tcp, udp_taken, tcp_taken, descriptors: (allowed, both) })
}

/// Adds a socket for each free port of the range; the others come back.
fn take_range<S>(
    listen: SocketAddr,
    range: PortRange,
    open: fn(SocketAddr) -> io::Result<S>,
    sockets: &mut Vec<S>,
) -> Result<PortSet, NoPorts> {
    let mut taken = Vec::new();
    for port in range.iter().filter(|port| *port != listen.port()) {
        match open(with_port(listen, port)) {
            Ok(socket) => sockets.push(socket),
            // Below 1024 an ordinary user may have none.
            Err(error) if matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => taken.push(port),
            Err(error) => return Err(NoPorts::System { port, error }),
        }
    }
    Ok(taken.into_iter().collect())
}

fn with_port(address: SocketAddr, port: u16) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::new((*v4.ip()).into(), port),
        // The scope of a link-local address stays.
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), port, v6.flowinfo(), v6.scope_id()).into(),
    }
}

fn udp_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound(address, Type::DGRAM, Protocol::UDP)?;
    UdpSocket::from_std(socket.into())
}

fn tcp_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bound(address, Type::STREAM, Protocol::TCP)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn bound(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // One socket at [::] has both families, and half of the descriptors.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    if protocol == Protocol::TCP {
        // Connections that have just ended would keep the port for a minute.
        socket.set_reuse_address(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback(port: u16) -> SocketAddr {
        SocketAddr::new([127, 0, 0, 1].into(), port)
    }

    /// A port that nobody has, with free ones behind it: whoever else takes ports takes those that the system gives out.
    fn free_range() -> PortRange {
        for first in (20_000..30_000).step_by(16) {
            let range = PortRange::new(first, first + 9).expect("a range");
            if range.iter().all(|port| std::net::UdpSocket::bind(loopback(port)).is_ok()) {
                return range;
            }
        }
        panic!("no ten free ports in a row");
    }

    #[tokio::test]
    async fn the_ports_of_other_programs_are_left_to_them_and_told() {
        let range = free_range();
        let others: Vec<u16> = vec![range.first() + 2, range.first() + 3, range.last()];
        let held: Vec<_> = others.iter().map(|port| std::net::UdpSocket::bind(loopback(*port)).expect("it is free")).collect();
        let ports = take(loopback(range.first()), range).expect("the other ports are free");
        assert_eq!(ports.udp_taken, others.into_iter().collect());
        assert_eq!(ports.udp.len(), 7);
        assert_eq!(ports.tcp_taken, Some(PortSet::default()));
        drop(held);
    }

    #[tokio::test]
    async fn a_port_to_listen_on_that_is_taken_is_an_error() {
        let held = std::net::UdpSocket::bind(loopback(0)).expect("loopback has free ports");
        let listen = held.local_addr().expect("it is bound");
        assert!(matches!(take(listen, free_range()), Err(NoPorts::Listen(error)) if error.kind() == io::ErrorKind::AddrInUse));
    }
}
