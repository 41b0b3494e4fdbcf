//! The tasks of a session: what is due goes out, what arrives is taken in.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::state::State;
use crate::model::outcome::{Outcome, Protocol, StrayKind, Unreachable};
use crate::net::network::{Arrival, Datagrams, Stream};
use crate::net::timer::sleep_until;
use crate::proto::framing::{Framer, NotStun, speaks};

pub(super) async fn pump_datagrams(socket: Rc<dyn Datagrams>, server: SocketAddr, state: Rc<RefCell<State>>, wake: Rc<Notify>) {
    loop {
        let outgoing = state.borrow_mut().outgoing(Instant::now());
        for bytes in outgoing {
            if let Err(outcome) = socket.send(&bytes, server) {
                let mut state = state.borrow_mut();
                state.trouble = Some(outcome);
                // What this host refuses to send now it refuses a moment later too.
                state.fail();
            }
        }
        let next = state.borrow().transactions.next_due();
        tokio::select! {
            biased;
            arrival = socket.receive() => take_arrival(&mut state.borrow_mut(), arrival, server),
            () = sleep_until(next) => {}
            () = wake.notified() => {}
        }
    }
}

fn take_arrival(state: &mut State, arrival: Arrival, server: SocketAddr) {
    let now = Instant::now();
    match arrival {
        Arrival::Datagram { from, bytes } if from == server => state.take(&bytes, Some(from), now),
        // Only an answer that knows our transaction id comes from the server by another way; anything else is noise.
        Arrival::Datagram { from, bytes } if state.transactions.awaits(&bytes) => {
            state.stray(StrayKind::ForeignSource, Some(from));
        }
        Arrival::Icmp { to, reason, from } if to == server => take_icmp(state, reason, from),
        Arrival::Datagram { .. } | Arrival::Icmp { .. } | Arrival::Expired { .. } => {}
        Arrival::Closed => state.close(Outcome::Closed),
    }
}

/// Two errors are enough to give up: the first alone may be about a listener that is just starting.
fn take_icmp(state: &mut State, reason: Unreachable, from: Option<IpAddr>) {
    state.trouble = Some(Outcome::Unreachable { reason, from });
    state.icmp_errors += 1;
    if state.icmp_errors >= 2 && state.answers == 0 {
        state.fail();
    }
}

pub(super) async fn pump_stream(
    mut reader: tokio::io::ReadHalf<Box<dyn Stream>>,
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    state: Rc<RefCell<State>>,
    wake: Rc<Notify>,
) {
    let mut framer = Framer::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        for bytes in state.borrow_mut().outgoing(Instant::now()) {
            // A closed writer shows as a closed reader, too.
            _ = outgoing.send(bytes);
        }
        let next = state.borrow().transactions.next_due();
        tokio::select! {
            biased;
            read = reader.read(&mut buffer) => {
                let end = match read {
                    Ok(0) => Some(Outcome::Closed),
                    Ok(length) => {
                        let mut state = state.borrow_mut();
                        state.received += length as u64;
                        take_bytes(&mut state, &mut framer, &buffer[..length])
                    }
                    Err(error) => {
                        let outcome = crate::net::udp::outcome_of(&error, None);
                        Some(if matches!(outcome, Outcome::Unreachable { .. }) { Outcome::Closed } else { outcome })
                    }
                };
                if let Some(outcome) = end {
                    state.borrow_mut().close(outcome);
                    return;
                }
            }
            () = sleep_until(next) => {}
            () = wake.notified() => {}
        }
    }
}

fn take_bytes(state: &mut State, framer: &mut Framer, bytes: &[u8]) -> Option<Outcome> {
    framer.push(bytes);
    loop {
        match framer.next_message() {
            Ok(Some(message)) => state.take(&message, None, Instant::now()),
            Ok(None) => return None,
            Err(NotStun(protocol)) => {
                let speaks = if protocol == Protocol::Other { speaks(bytes) } else { protocol };
                return Some(Outcome::NotStun { speaks });
            }
        }
    }
}

pub(super) async fn write_stream(mut writer: tokio::io::WriteHalf<Box<dyn Stream>>, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(mut bytes) = queue.recv().await {
        // What is queued already goes out in one write.
        while let Ok(more) = queue.try_recv() {
            bytes.extend(more);
        }
        if writer.write_all(&bytes).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}
