//! TCP connections: opened by a SYN that passes the boxes like any packet, then two pipes of bytes with the links' delay.
//!
//! A lost segment is a late one, since TCP sends it again.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use callcheck::model::outcome::{Outcome, Unreachable};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::internet::{Internet, Way};
use super::packet::{Fate, Origin, Packet, Passage, Protocol, SiteId, is_stun};

/// The first wait before a SYN or a segment is sent again; each further one is twice the last (RFC 6298 §2, Linux's minimum).
const FIRST_SYN_WAIT: Duration = Duration::from_secs(1);
const SEGMENT_WAIT: Duration = Duration::from_millis(200);

/// What fits into the buffers of both ends when nothing moves any more.
const WINDOW: usize = 64 * 1024;

/// Opens a connection. Where nothing answers this never ends, as SYNs are sent for ever.
pub async fn connect(internet: &Rc<Internet>, site: SiteId, ends: (SocketAddr, SocketAddr), hops: u8) -> Result<Pipe, Outcome> {
    let mut wait = FIRST_SYN_WAIT;
    loop {
        match attempt(internet, site, ends, hops).await {
            Attempt::Opened(pipe) => return Ok(pipe),
            Attempt::Ended(outcome) => return Err(outcome),
            Attempt::Silent => tokio::time::sleep(wait).await,
        }
        wait *= 2;
    }
}

enum Attempt {
    Opened(Pipe),
    Ended(Outcome),
    Silent,
}

async fn attempt(internet: &Rc<Internet>, site: SiteId, (local, to): (SocketAddr, SocketAddr), hops: u8) -> Attempt {
    let origin = Origin { site, local, to };
    let mut syn = Packet {
        protocol: Protocol::Tcp,
        source: local,
        destination: to,
        payload: Vec::new(),
        origin,
        hops,
        fate: Fate::default(),
    };
    let (there, entrance, delay) = match internet.leave(&mut syn) {
        Way::To(there, entrance, delay) => (there, entrance, delay),
        Way::Lost | Way::Expired(None) => return Attempt::Silent,
        Way::Expired(Some(from)) => return told(internet, origin, Unreachable::Host, from),
        Way::Denied => return Attempt::Ended(Outcome::DeniedLocally),
        Way::Refused(reason, from) => return told(internet, origin, reason, from),
    };
    tokio::time::sleep(delay).await;
    let entered = internet.enter(there, entrance, &mut syn);
    if matches!(entered, Err(Passage::Dropped | Passage::Passed | Passage::Expired(None) | Passage::Redirected(..)))
        || internet.is_lost(there, site)
    {
        return Attempt::Silent;
    }
    tokio::time::sleep(internet.travel_time(there, site)).await;
    match entered {
        Ok(service) => {
            let (near, far) = pair(internet, site, there, syn.fate);
            service.connection(far, syn.destination, syn.source);
            Attempt::Opened(near)
        }
        Err(Passage::Rejected(reason, from)) => told(internet, origin, reason, from.unwrap_or(to.ip())),
        Err(Passage::Expired(Some(from))) => told(internet, origin, Unreachable::Host, from),
        Err(Passage::Dropped | Passage::Passed | Passage::Expired(None) | Passage::Redirected(..)) => Attempt::Silent,
    }
}

/// A refusal comes as a reset, whose number nobody limits; any other word is ICMP.
fn told(internet: &Internet, origin: Origin, reason: Unreachable, from: IpAddr) -> Attempt {
    if reason == Unreachable::Port || internet.may_tell(origin, from) {
        Attempt::Ended(refusal(reason, origin.to))
    } else {
        Attempt::Silent
    }
}

/// What `connect` says of an ICMP error or a reset: it tells of the host for a refusal only.
fn refusal(reason: Unreachable, to: SocketAddr) -> Outcome {
    match reason {
        Unreachable::Port => Outcome::Unreachable { reason, from: Some(to.ip()) },
        Unreachable::Network => Outcome::NoRoute,
        Unreachable::Host | Unreachable::Prohibited | Unreachable::Other => {
            Outcome::Unreachable { reason: Unreachable::Host, from: None }
        }
    }
}

/// The longest that a lost segment is waited for (tcp(7), `tcp_retries2`).
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// One end of a connection.
pub struct Pipe {
    incoming: Rc<RefCell<Half>>,
    outgoing: Rc<RefCell<Half>>,
    timer: Option<Pin<Box<Sleep>>>,
}

/// One direction of a connection.
struct Half {
    internet: Rc<Internet>,
    from: SiteId,
    to: SiteId,
    fate: Fate,
    segments: VecDeque<(Instant, Vec<u8>)>,
    last_arrival: Instant,
    passed: u64,
    /// The bytes of both directions.
    carried: Rc<Cell<u64>>,
    dead: bool,
    buffered: usize,
    closed: Option<Instant>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

fn pair(internet: &Rc<Internet>, near: SiteId, far: SiteId, fate: Fate) -> (Pipe, Pipe) {
    let carried = Rc::<Cell<u64>>::default();
    let half = |from, to| {
        Rc::new(RefCell::new(Half {
            internet: Rc::clone(internet),
            from,
            to,
            fate,
            segments: VecDeque::new(),
            last_arrival: Instant::now(),
            passed: 0,
            carried: Rc::clone(&carried),
            dead: false,
            buffered: 0,
            closed: None,
            reader: None,
            writer: None,
        }))
    };
    let (there, back) = (half(near, far), half(far, near));
    let near = Pipe { incoming: Rc::clone(&back), outgoing: Rc::clone(&there), timer: None };
    let far = Pipe { incoming: there, outgoing: back, timer: None };
    (near, far)
}

impl Half {
    fn push(&mut self, bytes: &[u8]) {
        self.buffered += bytes.len();
        self.dead |= self.fate.drops_stun && self.passed == 0 && is_stun(bytes);
        self.dead |= self.fate.longest_segment.is_some_and(|longest| bytes.len() > longest);
        // What counts a connection's bytes counts those of both ways, and those that it drops.
        self.carried.set(self.carried.get() + bytes.len() as u64);
        self.dead |= self.fate.stalls_after.is_some_and(|limit| self.carried.get() > limit);
        if self.dead {
            return;
        }
        self.passed += bytes.len() as u64;
        let arrival = self.next_arrival();
        self.segments.push_back((arrival, bytes.to_vec()));
        self.wake_reader();
    }

    /// Bytes stay in order, so one late segment makes all after it late.
    fn next_arrival(&mut self) -> Instant {
        let mut delay = self.internet.travel_time(self.from, self.to);
        let mut wait = SEGMENT_WAIT.max(delay * 2);
        // While the line is down all are lost: the system gives up in the end.
        while wait < LONGEST_WAIT && self.internet.is_lost(self.from, self.to) {
            delay += wait;
            wait *= 2;
        }
        self.last_arrival = self.last_arrival.max(Instant::now() + delay);
        self.last_arrival
    }

    fn close(&mut self) {
        if self.closed.is_none() && !self.dead {
            self.closed = Some(self.next_arrival());
        }
        self.wake_reader();
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// When the reader has something to see.
    fn next_event(&self) -> Option<Instant> {
        self.segments.front().map(|(at, _)| *at).or(self.closed)
    }

    fn read(&mut self, buffer: &mut ReadBuf<'_>) {
        let now = Instant::now();
        while buffer.remaining() > 0
            && let Some((_, bytes)) = self.segments.front_mut().filter(|(at, _)| *at <= now)
        {
            let length = bytes.len().min(buffer.remaining());
            buffer.put_slice(&bytes[..length]);
            bytes.drain(..length);
            if bytes.is_empty() {
                self.segments.pop_front();
            }
            self.buffered -= length;
        }
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let next = {
                let mut half = self.incoming.borrow_mut();
                half.reader = Some(context.waker().clone());
                half.next_event()
            };
            let Some(next) = next else { return Poll::Pending };
            if next <= Instant::now() {
                // At the end of the stream nothing is put into the buffer, which says just that.
                self.incoming.borrow_mut().read(buffer);
                return Poll::Ready(Ok(()));
            }
            let mut timer = Box::pin(tokio::time::sleep_until(next));
            if timer.as_mut().poll(context).is_pending() {
                self.timer = Some(timer);
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut half = self.outgoing.borrow_mut();
        if half.closed.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW.saturating_sub(half.buffered);
        if room == 0 {
            half.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let length = bytes.len().min(room);
        half.push(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.borrow_mut().close();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.outgoing.borrow_mut().close();
    }
}
