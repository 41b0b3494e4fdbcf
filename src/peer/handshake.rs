//! DTLS as it passes: datagrams and their sizes, and the alerts and mistakes of a handshake that doesn't end well.

use std::time::Instant;

use crate::model::call::{Dtls, DtlsEnd};

/// The content types of records (RFC 6347 §4.1), which are all that DTLS begins a datagram with (RFC 7983 §7).
const CONTENT: std::ops::RangeInclusive<u8> = 20..=63;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// The length of a record's header (RFC 6347 §4.1).
const HEADER: usize = 13;

/// `client_hello` (RFC 5246 §7.4).
const CLIENT_HELLO: u8 = 1;

/// The level of an alert that ends the connection, and the descriptions of a certificate that doesn't fit (RFC 5246 §7.2).
const FATAL: u8 = 2;
const OF_CERTIFICATES: std::ops::RangeInclusive<u8> = 41..=49;

/// DTLS as it passes.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    seen: Dtls,
    connected_at: Option<Instant>,
    hello_sent: bool,
    hello_received: bool,
    alert: Option<u8>,
}

/// The directions of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Out,
    In,
}

impl Handshake {
    /// Takes note of a datagram.
    pub fn pass(&mut self, bytes: &[u8], way: Way) {
        let Some(first) = bytes.first().filter(|first| CONTENT.contains(first)) else { return };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (count, largest) = match way {
            Way::Out => (&mut self.seen.sent, &mut self.seen.largest_sent),
            Way::In => (&mut self.seen.received, &mut self.seen.largest_received),
        };
        *count += 1;
        *largest = length.max(*largest);
        // Only records of epoch 0 can be read.
        if bytes.get(3..5) != Some(&[0, 0]) {
            return;
        }
        match (*first, bytes.get(HEADER), bytes.get(HEADER + 1)) {
            (HANDSHAKE, Some(&CLIENT_HELLO), _) => match way {
                Way::Out => self.hello_sent = true,
                Way::In => self.hello_received = true,
            },
            (ALERT, Some(&FATAL), Some(description)) => self.alert = self.alert.or(Some(*description)),
            _ => {}
        }
    }

    /// Takes note of the handshake's end.
    pub fn connected(&mut self, now: Instant) {
        self.connected_at.get_or_insert(now);
    }

    /// Takes note that the core gave up.
    pub fn failed(&mut self) {
        self.seen.end = DtlsEnd::Failed;
    }

    /// The whole as a report has it.
    pub fn report(&self, milliseconds: impl Fn(Instant) -> u64) -> Dtls {
        let mut dtls = self.seen.clone();
        dtls.connected_ms = self.connected_at.map(milliseconds);
        if dtls.connected_ms.is_some() {
            dtls.end = DtlsEnd::Connected;
            return dtls;
        }
        dtls.trouble = match self.alert {
            // Certificates are held to their fingerprint alone (RFC 8122), so this is what one can be refused for.
            Some(alert) if OF_CERTIFICATES.contains(&alert) => Some("fingerprint".to_owned()),
            Some(alert) => Some(format!("alert {alert}")),
            // Two clients talk past each other (RFC 8842 §5.2).
            None if self.hello_sent && self.hello_received => Some("role".to_owned()),
            None => None,
        };
        if self.alert.is_some() {
            dtls.end = DtlsEnd::Failed;
        } else if dtls.end != DtlsEnd::Failed && dtls.sent + dtls.received > 0 {
            dtls.end = DtlsEnd::Unfinished;
        }
        dtls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![content, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 0, 0, 2];
        bytes.extend(body);
        bytes
    }

    fn report(datagrams: &[(Vec<u8>, Way)]) -> Dtls {
        let mut handshake = Handshake::default();
        for (bytes, way) in datagrams {
            handshake.pass(bytes, *way);
        }
        handshake.report(|_| 0)
    }

    #[test]
    fn trouble_is_read_from_what_passes() {
        let hello = record(HANDSHAKE, 0, &[CLIENT_HELLO, 0]);
        let bad_certificate = record(ALERT, 0, &[FATAL, 42]);
        let encrypted = record(ALERT, 1, &[FATAL, 42]);
        assert_eq!(report(&[]).end, DtlsEnd::NotStarted);
        assert_eq!(report(&[(hello.clone(), Way::Out), (encrypted, Way::In)]).end, DtlsEnd::Unfinished);
        let refused = report(&[(hello.clone(), Way::Out), (bad_certificate, Way::In)]);
        assert_eq!((refused.end, refused.trouble.as_deref()), (DtlsEnd::Failed, Some("fingerprint")));
        let both = report(&[(hello.clone(), Way::Out), (hello, Way::In)]);
        assert_eq!((both.end, both.trouble.as_deref()), (DtlsEnd::Unfinished, Some("role")));
        assert_eq!((both.sent, both.largest_received), (1, 15));
    }

    #[test]
    fn what_is_no_dtls_is_not_counted() {
        assert_eq!(report(&[(vec![0; 20], Way::Out), (vec![0x80; 20], Way::In), (vec![], Way::In)]), Dtls::default());
    }
}
