//! The loop of a responder: one task over all of its sockets, which answers what proves the token and is silent to everything else.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::allowance::Allowance;
use super::answerer::Answerer;
use super::ports::Ports;
use crate::net::tls::unix_seconds;
use crate::proto::responder::{HEAD, LONGEST, length};

/// The most connections at once; further ones wait for their turn. A sweep has half of them.
const CONNECTIONS: usize = 512;

/// How long a request may take to come: a connection that asks nothing is somebody else's.
const REQUEST_LIMIT: Duration = Duration::from_secs(3);

/// Datagrams that are answered at one socket before others have their turn.
const AT_ONE_SOCKET: usize = 16;

/// What a responder has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests that were answered.
    pub answered: u64,
    /// What came without proving the token, or beyond what is answered a second.
    pub ignored: u64,
}

struct Shared {
    answerer: Answerer,
    allowance: RefCell<Allowance>,
    served: Cell<Served>,
    connections: Arc<Semaphore>,
}

/// A responder that has its ports.
pub struct Responder {
    shared: Rc<Shared>,
    udp: Vec<UdpSocket>,
    tcp: Vec<TcpListener>,
}

impl Responder {
    /// Joins ports and what is answered at them.
    #[must_use]
    pub fn new(ports: Ports, answerer: Answerer) -> Self {
        let shared = Shared {
            answerer,
            allowance: RefCell::new(Allowance::full(Instant::now())),
            served: Cell::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
        };
        Self { shared: Rc::new(shared), udp: ports.udp, tcp: ports.tcp }
    }

    /// What was done so far; the handle outlives the responder.
    pub fn served(&self) -> impl Fn() -> Served + use<> {
        let shared = Rc::clone(&self.shared);
        move || shared.served.get()
    }

    /// Answers for ever; it must be polled within a `LocalSet`.
    pub async fn serve(self) {
        let datagrams = self.udp.into_iter().map(|socket| serve_datagrams(socket, Rc::clone(&self.shared)));
        let connections = self.tcp.into_iter().map(|listener| accept(listener, Rc::clone(&self.shared)));
        // Sockets that nothing comes to cost nothing: only those that are ready are looked at.
        tokio::join!(join_all(datagrams), join_all(connections));
    }
}

impl Shared {
    fn answer(&self, bytes: &[u8], arrived: u16) -> Option<Vec<u8>> {
        let answer = self.answerer.answer(bytes, arrived, unix_seconds(SystemTime::now()));
        // What proves nothing takes no answer away from those that do.
        let answer = answer.filter(|_| self.allowance.borrow_mut().take(Instant::now()));
        let mut served = self.served.get();
        let count = if answer.is_some() { &mut served.answered } else { &mut served.ignored };
        *count += 1;
        self.served.set(served);
        answer
    }
}

async fn serve_datagrams(socket: UdpSocket, shared: Rc<Shared>) {
    let Ok(port) = socket.local_addr().map(|local| local.port()) else { return };
    while socket.readable().await.is_ok() {
        for _ in 0..AT_ONE_SOCKET {
            // One byte more than the longest message, so that a longer one doesn't pass for it.
            let mut buffer = [0; LONGEST + 1];
            match socket.try_recv_from(&mut buffer) {
                Ok((length, from)) => answer_datagram(&socket, &shared, &buffer[..length], from, port),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error about an answer: the other one has gone.
                Err(_) => {}
            }
        }
    }
}

fn answer_datagram(socket: &UdpSocket, shared: &Shared, bytes: &[u8], from: SocketAddr, port: u16) {
    if let Some(answer) = shared.answer(bytes, port) {
        // A full buffer drops it as a network would: it will be asked again.
        _ = socket.try_send_to(&answer, from);
    }
}

async fn accept(listener: TcpListener, shared: Rc<Shared>) {
    let Ok(port) = listener.local_addr().map(|local| local.port()) else { return };
    loop {
        let accepted = listener.accept().await;
        // Only what waits for its turn here holds a descriptor; the rest waits in the system.
        let (Ok((stream, _)), Ok(turn)) = (accepted, Arc::clone(&shared.connections).acquire_owned().await) else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let shared = Rc::clone(&shared);
        tokio::task::spawn_local(async move {
            // Whatever ends it, there is nobody left to tell.
            _ = converse(stream, &shared, port).await;
            drop(turn);
        });
    }
}

/// Answers one request after another, until one proves nothing or the other side has no more.
async fn converse(mut stream: TcpStream, shared: &Shared, port: u16) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let message = timeout(REQUEST_LIMIT, read(&mut stream)).await??;
        let Some(answer) = shared.answer(&message, port) else { return Ok(()) };
        stream.write_all(&answer).await?;
    }
}

/// A message, as long as its head says; what has no such head is an end of its own.
async fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let length = length(head).ok_or(io::ErrorKind::InvalidData)?;
    let mut message = head.to_vec();
    message.resize(length, 0);
    stream.read_exact(&mut message[HEAD..]).await?;
    Ok(message)
}
