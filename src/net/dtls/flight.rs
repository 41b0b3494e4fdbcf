//! The server's flights, each kept until all of it has come (RFC 6347 §4.2.4).
//!
//! `rtc-dtls` stops its retransmission timer at the first datagram of a flight and then waits for the others for ever, and servers
//! send a chain in many small datagrams; so it is given whole flights, and its timer runs on while one is missing.

use std::collections::BTreeMap;

/// The content type of a handshake record (RFC 5246 §6.2.1).
const HANDSHAKE: u8 = 22;

/// The length of a record's header (RFC 6347 §4.1).
const RECORD_HEADER: usize = 13;

/// The length of a handshake fragment's header (RFC 6347 §4.2.2).
const FRAGMENT_HEADER: usize = 12;

/// The messages that end a flight of the server: `HelloVerifyRequest` and `ServerHelloDone`.
const LAST: [u8; 2] = [3, 14];

/// How many datagrams are kept; more are no flight of a handshake.
const LARGEST_FLIGHT: usize = 128;

/// The flight that is coming in.
#[derive(Debug, Default)]
pub struct Flight {
    datagrams: Vec<Vec<u8>>,
    messages: BTreeMap<u16, Message>,
    next: u16,
}

#[derive(Debug)]
struct Message {
    kind: u8,
    length: usize,
    parts: Vec<(usize, usize)>,
}

struct Fragment {
    kind: u8,
    sequence: u16,
    length: usize,
    part: (usize, usize),
}

impl Flight {
    /// Takes a datagram; the datagrams of a flight come back together when nothing of it is missing, and what is no part of one at
    /// once.
    pub fn take(&mut self, datagram: Vec<u8>) -> Vec<Vec<u8>> {
        let fragments = fragments(&datagram);
        if fragments.is_empty() {
            return vec![datagram];
        }
        // A message that was taken before is the server's repetition, which the timer here answers if need be.
        if fragments.iter().all(|fragment| fragment.sequence < self.next) || self.datagrams.len() == LARGEST_FLIGHT {
            return Vec::new();
        }
        for Fragment { kind, sequence, length, part } in fragments {
            let message = self.messages.entry(sequence).or_insert(Message { kind, length, parts: Vec::new() });
            message.parts.push(part);
        }
        self.datagrams.push(datagram);
        let Some(last) = self.complete() else { return Vec::new() };
        self.next = last.saturating_add(1);
        self.messages.clear();
        std::mem::take(&mut self.datagrams)
    }

    /// The number of the flight's last message, when it and all before it are there.
    fn complete(&self) -> Option<u16> {
        for expected in self.next.. {
            let message = self.messages.get(&expected).filter(|message| message.complete())?;
            if LAST.contains(&message.kind) {
                return Some(expected);
            }
        }
        None
    }
}

impl Message {
    fn complete(&self) -> bool {
        let mut parts = self.parts.clone();
        parts.sort_unstable();
        let covered = parts.iter().fold(0, |covered, (from, to)| if *from <= covered { covered.max(*to) } else { covered });
        covered >= self.length
    }
}

/// The fragments in the handshake records that a datagram begins with, as far as they are in the clear.
fn fragments(datagram: &[u8]) -> Vec<Fragment> {
    let mut found = Vec::new();
    let mut records = datagram;
    while let Some((mut body, after)) = plain_record(records) {
        while let Some((fragment, after)) = fragment(body) {
            found.push(fragment);
            body = after;
        }
        records = after;
    }
    found
}

fn plain_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(RECORD_HEADER)?;
    let plain = header[0] == HANDSHAKE && header[3..5] == [0, 0];
    if plain { rest.split_at_checked(u16::from_be_bytes([header[11], header[12]]).into()) } else { None }
}

fn fragment(bytes: &[u8]) -> Option<(Fragment, &[u8])> {
    let (header, rest) = bytes.split_at_checked(FRAGMENT_HEADER)?;
    let number = |at: usize| header[at..at + 3].iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
    let (from, size) = (number(6), number(9));
    let (_, after) = rest.split_at_checked(size)?;
    let sequence = u16::from_be_bytes([header[4], header[5]]);
    Some((Fragment { kind: header[0], sequence, length: number(1), part: (from, from + size) }, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO_VERIFY_REQUEST: u8 = 3;
    const SERVER_HELLO: u8 = 2;
    const CERTIFICATE: u8 = 11;
    const SERVER_HELLO_DONE: u8 = 14;

    fn datagram(kind: u8, sequence: u8, length: u8, from: u8, to: u8) -> Vec<u8> {
        let size = to - from;
        let mut bytes = vec![HANDSHAKE, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12 + size];
        bytes.extend([kind, 0, 0, length, 0, sequence, 0, 0, from, 0, 0, size]);
        bytes.extend(vec![7; size.into()]);
        bytes
    }

    #[test]
    fn a_flight_comes_whole_in_whatever_order_its_parts_come() {
        let mut flight = Flight::default();
        assert_eq!(flight.take(datagram(HELLO_VERIFY_REQUEST, 0, 20, 0, 20)).len(), 1);
        assert!(flight.take(datagram(SERVER_HELLO_DONE, 3, 0, 0, 0)).is_empty());
        assert!(flight.take(datagram(CERTIFICATE, 2, 90, 40, 90)).is_empty());
        assert!(flight.take(datagram(SERVER_HELLO, 1, 30, 0, 30)).is_empty(), "half of the certificate is missing");
        assert_eq!(flight.take(datagram(CERTIFICATE, 2, 90, 0, 50)).len(), 4);
    }

    #[test]
    fn a_repeated_flight_fills_the_gaps_of_the_first() {
        let mut flight = Flight::default();
        assert!(flight.take(datagram(SERVER_HELLO, 0, 30, 0, 30)).is_empty());
        assert!(flight.take(datagram(SERVER_HELLO, 0, 30, 0, 30)).is_empty());
        assert_eq!(flight.take(datagram(SERVER_HELLO_DONE, 1, 0, 0, 0)).len(), 3);
        assert!(flight.take(datagram(SERVER_HELLO_DONE, 1, 0, 0, 0)).is_empty(), "it has come before");
    }

    #[test]
    fn what_is_no_flight_is_not_kept() {
        let alert = vec![21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
        let sealed = vec![HANDSHAKE, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9];
        for datagram in [alert, sealed, b"HTTP/1.1".to_vec(), Vec::new(), vec![HANDSHAKE; 5]] {
            assert_eq!(Flight::default().take(datagram.clone()), [datagram]);
        }
    }
}
