//! The real world: the system's sockets, resolver, clock and random numbers.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::rc::Rc;
use std::time::SystemTime;

use async_trait::async_trait;
use rand::RngCore as _;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

use super::network::{Datagrams, Handling, Lookup, Network, Stream};
use super::resolver::SystemResolver;
use super::udp::{Binding, SystemDatagrams, bind_to_interface, limit_hops, outcome_of};
use crate::model::outcome::Outcome;

/// The system's network.
#[derive(Debug, Default)]
pub struct System {
    binding: Binding,
    resolver: std::cell::OnceCell<SystemResolver>,
}

impl System {
    /// The system's network, with all sockets bound as asked.
    #[must_use]
    pub fn new(binding: Binding) -> Self {
        Self { binding, resolver: std::cell::OnceCell::new() }
    }

    fn resolver(&self) -> &SystemResolver {
        self.resolver.get_or_init(SystemResolver::new)
    }

    /// A socket that has asked the routing table for the way to an address: connecting UDP does, and sends nothing.
    fn connected(&self, to: IpAddr) -> Option<UdpSocket> {
        let own = self.binding.address.filter(|address| address.is_ipv4() == to.is_ipv4());
        let unspecified: IpAddr = if to.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
        let socket = UdpSocket::bind((own.unwrap_or(unspecified), 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        Some(socket)
    }

    fn tcp_socket(&self, to: SocketAddr, hops: Option<u8>) -> std::io::Result<TcpSocket> {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        limit_hops(&socket, to.ip(), hops)?;
        bind_to_interface(&socket, &self.binding)?;
        if let Some(address) = self.binding.address.filter(|address| address.is_ipv4() == to.is_ipv4()) {
            socket.bind(&SocketAddr::new(address, 0).into())?;
        }
        socket.set_nonblocking(true)?;
        Ok(TcpSocket::from_std_stream(socket.into()))
    }

    async fn connect(&self, to: SocketAddr, hops: Option<u8>) -> std::io::Result<TcpStream> {
        let stream = self.tcp_socket(to, hops)?.connect(to).await?;
        // A request is one small write; waiting to join it with another would distort the round trip.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

#[async_trait(?Send)]
impl Network for System {
    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        self.connected(to)?.local_addr().ok().map(|local| local.ip()).filter(|local| !local.is_unspecified())
    }

    fn bind_udp_with(&self, towards: IpAddr, handling: Handling) -> Result<Rc<dyn Datagrams>, Outcome> {
        match SystemDatagrams::bind(towards, &self.binding, handling) {
            Ok(socket) => Ok(Rc::new(socket)),
            Err(error) => Err(outcome_of(&error, None)),
        }
    }

    fn path_mtu(&self, to: IpAddr) -> Option<u16> {
        path_mtu(&self.connected(to)?)
    }

    async fn connect_tcp_within(&self, to: SocketAddr, hops: Option<u8>) -> Result<Box<dyn Stream>, Outcome> {
        match self.connect(to, hops).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(outcome_of(&error, Some(to.ip()))),
        }
    }

    async fn addresses(&self, name: &str) -> Lookup<IpAddr> {
        self.resolver().addresses(name).await
    }

    async fn services(&self, name: &str) -> Lookup<(String, u16)> {
        self.resolver().services(name).await
    }

    fn name_servers(&self) -> Vec<SocketAddr> {
        self.resolver().servers().to_vec()
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::now()
    }

    fn randomize(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// `IP_MTU` (ip(7)); its twin of IPv6 is out of reach without unsafe code.
#[cfg(target_os = "linux")]
fn path_mtu(connected: &UdpSocket) -> Option<u16> {
    use nix::sys::socket::{getsockopt, sockopt};
    let is_v4 = connected.local_addr().is_ok_and(|local| local.is_ipv4());
    let mtu = if is_v4 { getsockopt(connected, sockopt::IpMtu).ok()? } else { return None };
    u16::try_from(mtu).ok()
}

#[cfg(not(target_os = "linux"))]
fn path_mtu(_connected: &UdpSocket) -> Option<u16> {
    None
}
