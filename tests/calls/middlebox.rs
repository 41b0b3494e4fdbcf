//! A box between the two ends of a call that drops what it is told to: each end knows the other by one of the box's sockets.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;

/// Which datagrams are dropped, by their bytes, their way and the time since the box was set up.
pub type Drops = Rc<dyn Fn(&[u8], Way, Duration) -> bool>;

/// The ways through the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToCaller,
    ToCallee,
}

/// Whether a datagram is RTP or RTCP (RFC 7983 §7).
pub fn is_media(bytes: &[u8]) -> bool {
    (128..192).contains(&bytes[0])
}

/// Whether a datagram is of DTLS (RFC 7983 §7).
pub fn is_dtls(bytes: &[u8]) -> bool {
    (20..64).contains(&bytes[0])
}

/// A box between the two ends.
pub struct Middlebox {
    for_caller: UdpSocket,
    for_callee: UdpSocket,
}

impl Middlebox {
    /// A box that doesn't forward yet.
    pub async fn new() -> Self {
        let bind = async || UdpSocket::bind("127.0.0.1:0").await.expect("loopback has free ports");
        Self { for_caller: bind().await, for_callee: bind().await }
    }

    /// Where the caller sends to.
    pub fn at_caller(&self) -> SocketAddr {
        self.for_caller.local_addr().expect("a bound socket")
    }

    /// Where the callee sends to.
    pub fn at_callee(&self) -> SocketAddr {
        self.for_callee.local_addr().expect("a bound socket")
    }

    /// Forwards for ever; each side is known by what it sends.
    pub async fn forward(self: Rc<Self>, drops: Drops, blocked: Rc<Cell<Option<SocketAddr>>>) {
        let begun = Instant::now();
        let (mut caller, mut callee): (Option<SocketAddr>, Option<SocketAddr>) = (None, None);
        let (mut one, mut other) = (vec![0; 2048], vec![0; 2048]);
        loop {
            tokio::select! {
                Ok((length, from)) = self.for_caller.recv_from(&mut one) => {
                    if blocked.get() == Some(from) {
                        continue;
                    }
                    caller = Some(from);
                    if let Some(callee) = callee.filter(|_| !drops(&one[..length], Way::ToCallee, begun.elapsed())) {
                        _ = self.for_callee.send_to(&one[..length], callee).await;
                    }
                }
                Ok((length, from)) = self.for_callee.recv_from(&mut other) => {
                    callee = Some(from);
                    if let Some(caller) = caller.filter(|_| !drops(&other[..length], Way::ToCaller, begun.elapsed())) {
                        _ = self.for_caller.send_to(&other[..length], caller).await;
                    }
                }
            }
        }
    }
}

/// The line of a candidate with another address in it.
pub fn moved(line: &str, to: SocketAddr) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    words[4] = to.ip().to_string();
    words[5] = to.port().to_string();
    words.join(" ")
}

/// The address of a candidate's line.
pub fn address_in(line: &str) -> SocketAddr {
    let words: Vec<&str> = line.split(' ').collect();
    SocketAddr::new(words[4].parse().expect("an address"), words[5].parse().expect("a port"))
}
