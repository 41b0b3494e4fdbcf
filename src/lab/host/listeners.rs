//! The ports that the lab listens on; one that is "not listening" stays reserved, so that nothing else comes to sit there.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use crate::lab::fault::Fault;
use crate::model::endpoint::{Endpoint, Transport};

/// The receive buffer in bytes: a burst of a whole port sweep fits.
const RECEIVE_BUFFER: usize = 1 << 20;

/// How many connections wait to be accepted.
const BACKLOG: i32 = 1024;

/// How often a free port is looked for that UDP and TCP can share.
const TRIES: usize = 32;

/// The ports wished for; 0 is any.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// For UDP and TCP.
    pub plain: u16,
    /// For TLS and DTLS.
    pub tls: u16,
}

impl Ports {
    /// Any free ones.
    pub const ANY: Self = Self { plain: 0, tls: 0 };
}

/// Bound sockets.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Every transport at every address, listening or not.
    pub endpoints: Vec<Endpoint>,
    /// The sockets for datagrams.
    pub datagrams: Vec<(Transport, UdpSocket)>,
    /// The sockets for connections.
    pub streams: Vec<(Transport, TcpListener)>,
    /// Sockets that only keep their port from others.
    pub reserved: Vec<Socket>,
}

impl Listeners {
    /// Binds the ports of one address; faults decide which of them listen.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn bind(address: IpAddr, ports: Ports, faults: &[Fault]) -> io::Result<Self> {
        let (udp, tcp) = pair(address, ports.plain)?;
        let (dtls, tls) = pair(address, ports.tls)?;
        let mut listeners = Self::default();
        listeners.add(Transport::Udp, udp, faults)?;
        listeners.add(Transport::Tcp, tcp, faults)?;
        listeners.add(Transport::Tls, tls, faults)?;
        listeners.add(Transport::Dtls, dtls, faults)?;
        Ok(listeners)
    }

    /// Binds one UDP port.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn control(address: IpAddr) -> io::Result<Self> {
        let mut listeners = Self::default();
        listeners.add(Transport::Udp, bind(Type::DGRAM, SocketAddr::new(address, 0))?, &[])?;
        Ok(listeners)
    }

    /// Adds the sockets of another set.
    pub fn join(&mut self, other: Self) {
        self.endpoints.extend(other.endpoints);
        self.datagrams.extend(other.datagrams);
        self.streams.extend(other.streams);
        self.reserved.extend(other.reserved);
    }

    fn add(&mut self, transport: Transport, socket: Socket, faults: &[Fault]) -> io::Result<()> {
        let address = local(&socket)?;
        self.endpoints.push(Endpoint::new(transport, address));
        let closed = faults.iter().any(|fault| closes(*fault, transport));
        match (transport, closed) {
            (Transport::Udp | Transport::Dtls, false) => {
                self.datagrams.push((transport, UdpSocket::from_std(socket.into())?));
            }
            (Transport::Udp | Transport::Dtls, true) => {
                // Connected to itself it takes no datagram from anyone else, which the system answers with an ICMP error.
                socket.connect(&address.into())?;
                self.reserved.push(socket);
            }
            (Transport::Tcp | Transport::Tls, false) => {
                socket.listen(BACKLOG)?;
                self.streams.push((transport, TcpListener::from_std(socket.into())?));
            }
            // Bound and not listening: connections are refused.
            (Transport::Tcp | Transport::Tls, true) => self.reserved.push(socket),
        }
        Ok(())
    }
}

/// Whether a fault leaves nothing listening on a transport.
fn closes(fault: Fault, transport: Transport) -> bool {
    match transport {
        Transport::Udp => matches!(fault, Fault::TurnNotListeningUdp | Fault::WrongHost | Fault::TurnDown),
        Transport::Tcp => matches!(fault, Fault::TurnTcpClosed | Fault::TurnDown),
        Transport::Tls | Transport::Dtls => matches!(fault, Fault::TurnTlsClosed | Fault::TurnDown),
    }
}

/// A UDP and a TCP socket on the same port.
fn pair(address: IpAddr, port: u16) -> io::Result<(Socket, Socket)> {
    let mut last = None;
    for _ in 0..if port == 0 { TRIES } else { 1 } {
        let udp = bind(Type::DGRAM, SocketAddr::new(address, port))?;
        match bind(Type::STREAM, local(&udp)?) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// A bound socket that doesn't block.
///
/// # Errors
///
/// What the system says.
pub fn bind(kind: Type, address: SocketAddr) -> io::Result<Socket> {
    let protocol = if kind == Type::DGRAM { Protocol::UDP } else { Protocol::TCP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if kind == Type::DGRAM {
        // Less is no harm: the wish is bounded by the system's own limit.
        _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    } else {
        // A given port can be taken again although connections of the last run linger.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::ErrorKind::Unsupported.into())
}
