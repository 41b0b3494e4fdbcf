//! The connectivity checks of every pair, read from the STUN messages that pass: the core's statistics know the selected pair only.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::call::PairEnd;
use crate::model::secret::Secret;
use crate::proto::raw::RawMessage;

/// The types of Binding messages (RFC 8489 §5).
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;

/// USERNAME (RFC 8489 §14.3).
const USERNAME: u16 = 0x0006;

/// How many different names of checks are kept: there is one, unless something is wrong.
const MOST_NAMES: usize = 8;

/// USE-CANDIDATE (RFC 8445 §7.1.2).
const USE_CANDIDATE: u16 = 0x0025;

/// The longest distance between two checks of a pair that doesn't answer.
const LONGEST_DISTANCE: Duration = Duration::from_millis(500);

/// An own base and an address of the other side.
pub(super) type Way = (SocketAddr, SocketAddr);

/// The checks of every pair.
#[derive(Debug, Default)]
pub(super) struct Checks {
    ways: BTreeMap<Way, Tally>,
    pending: HashMap<[u8; 12], (Way, Instant)>,
    /// The names that came with the other side's checks.
    names: BTreeMap<String, Named>,
    /// The passwords that they have to be signed with.
    passwords: Vec<Secret>,
}

/// The checks that came with one name.
#[derive(Debug, Default)]
struct Named {
    count: u32,
    /// Those of them that were signed with another password.
    forged: u32,
}

/// The checks of one pair.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub sent: u32,
    pub answered: u32,
    pub received: u32,
    pub code: Option<u16>,
    pub rtt: Option<Duration>,
    unsendable: u32,
    first: Option<Instant>,
    last: Option<Instant>,
    first_received: Option<Instant>,
}

impl Tally {
    /// How the pair ended, but for being selected.
    pub fn end(&self) -> PairEnd {
        match (self.sent, self.answered, self.code) {
            (_, 1.., _) => PairEnd::Succeeded,
            (_, 0, Some(_)) => PairEnd::Refused,
            (0, 0, None) => PairEnd::NotChecked,
            (sent, 0, None) if self.unsendable >= sent => PairEnd::Unsendable,
            (_, 0, None) => PairEnd::Unanswered,
        }
    }

    /// Whether a check is due: a pair that doesn't answer is asked less and less often, so that dead ones cause no flood.
    fn is_due(&self, now: Instant) -> bool {
        let (Some(first), Some(last)) = (self.first, self.last) else { return true };
        let distance = ((now - first) / 10).min(LONGEST_DISTANCE);
        now >= last + distance
    }
}

impl Checks {
    /// Takes note of a message on its way out; `false` where it is a check that is not due.
    pub fn sending(&mut self, way: Way, bytes: &[u8], now: Instant) -> bool {
        let Some(message) = RawMessage::new(bytes).filter(|message| message.kind() == REQUEST) else { return true };
        let tally = self.ways.entry(way).or_default();
        let may_wait = tally.answered == 0 && message.attribute(USE_CANDIDATE).is_none();
        if may_wait && !tally.is_due(now) {
            return false;
        }
        tally.sent += 1;
        tally.first.get_or_insert(now);
        tally.last = Some(now);
        self.pending.insert(message.transaction_id(), (way, now));
        true
    }

    /// Takes note of a message that came in; `false` where it belongs to no check.
    pub fn received(&mut self, way: Way, bytes: &[u8], now: Instant) -> bool {
        let Some(message) = RawMessage::new(bytes) else { return false };
        match message.kind() {
            REQUEST => {
                let tally = self.ways.entry(way).or_default();
                tally.received += 1;
                tally.first_received.get_or_insert(now);
                self.take_name(&message);
            }
            SUCCESS | ERROR => {
                let Some((asked, at)) = self.pending.remove(&message.transaction_id()) else { return false };
                let tally = self.ways.entry(asked).or_default();
                let rtt = now.saturating_duration_since(at);
                tally.rtt = Some(tally.rtt.map_or(rtt, |known| known.min(rtt)));
                if message.kind() == SUCCESS {
                    tally.answered += 1;
                } else {
                    tally.code = message.error_code();
                }
            }
            _ => return false,
        }
        true
    }

    /// The passwords of the own description, which the other side's checks have to be signed with (RFC 8445 §7.3).
    pub fn are_signed_with(&mut self, passwords: Vec<Secret>) {
        self.passwords = passwords;
    }

    fn take_name(&mut self, check: &RawMessage<'_>) {
        let name = check.text(USERNAME).unwrap_or_default();
        if self.names.len() < MOST_NAMES || self.names.contains_key(&name) {
            let is_signed = |password: &Secret| check.is_signed_with(password.expose());
            let is_forged = !self.passwords.is_empty() && !self.passwords.iter().any(is_signed);
            let named = self.names.entry(name).or_default();
            named.count += 1;
            named.forged += u32::from(is_forged);
        }
    }

    /// How many checks came with a name that isn't right, or with one that is and another password.
    pub fn of_another_call(&self, is_right: impl Fn(&str) -> bool) -> u32 {
        self.names.iter().map(|(name, named)| if is_right(name) { named.forged } else { named.count }).sum()
    }

    /// Takes note of a datagram that was refused on its way out.
    pub fn unsendable(&mut self, way: Way) {
        self.ways.entry(way).or_default().unsendable += 1;
    }

    /// The checks of one pair.
    pub fn of(&self, way: Way) -> Tally {
        self.ways.get(&way).cloned().unwrap_or_default()
    }

    /// When the other side's address was first heard of by a check of its own.
    pub fn first_seen(&self, address: SocketAddr) -> Option<Instant> {
        self.ways.iter().filter(|((_, remote), _)| *remote == address).filter_map(|(_, tally)| tally.first_received).min()
    }

    /// Every pair that saw a check.
    pub fn ways(&self) -> impl Iterator<Item = Way> + '_ {
        self.ways.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::raw::{MAGIC_COOKIE, append, set_length};
    use hmac::{Hmac, Mac as _};
    use sha1::Sha1;

    fn message(kind: u16, id: u8, attributes: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend(u16::try_from(attributes.len()).expect("short").to_be_bytes());
        bytes.extend(MAGIC_COOKIE.to_be_bytes());
        bytes.extend([id; 12]);
        bytes.extend(attributes);
        bytes
    }

    fn way() -> Way {
        (SocketAddr::from(([192, 0, 2, 1], 1000)), SocketAddr::from(([192, 0, 2, 2], 2000)))
    }

    #[test]
    fn answers_errors_and_round_trips_go_to_the_pair_that_asked() {
        let (mut checks, start) = (Checks::default(), Instant::now());
        assert_eq!(checks.of(way()).end(), PairEnd::NotChecked);
        checks.sending(way(), &message(REQUEST, 1, &[]), start);
        assert_eq!(checks.of(way()).end(), PairEnd::Unanswered);
        checks.received(way(), &message(ERROR, 1, &[0, 9, 0, 4, 0, 0, 4, 87]), start);
        assert_eq!((checks.of(way()).end(), checks.of(way()).code), (PairEnd::Refused, Some(487)));
        let later = start + Duration::from_secs(1);
        checks.sending(way(), &message(REQUEST, 2, &[]), later);
        checks.received(way(), &message(SUCCESS, 2, &[]), later + Duration::from_millis(7));
        assert_eq!((checks.of(way()).end(), checks.of(way()).answered), (PairEnd::Succeeded, 1));
    }

    #[test]
    fn checks_of_another_call_are_told_by_their_name_and_by_their_password() {
        // A Binding request with the USERNAME "own:other", signed with the password "north".
        let mut signed = message(REQUEST, 1, &[0, 6, 0, 9, b'o', b'w', b'n', b':', b'o', b't', b'h', b'e', b'r', 0, 0, 0]);
        let mut covered = signed.clone();
        set_length(&mut covered, 24);
        let mut mac = Hmac::<Sha1>::new_from_slice(b"north").expect("any length");
        mac.update(&covered);
        append(&mut signed, 0x0008, &mac.finalize().into_bytes());
        let strangers = |passwords: &[&str], right: &str| {
            let mut checks = Checks::default();
            checks.are_signed_with(passwords.iter().map(|password| Secret::new(*password)).collect());
            assert!(checks.received(way(), &signed, Instant::now()));
            checks.of_another_call(|name| name == right)
        };
        assert_eq!(strangers(&["north"], "own:other"), 0);
        assert_eq!(strangers(&["south", "north"], "own:other"), 0);
        assert_eq!(strangers(&["south"], "own:other"), 1);
        assert_eq!(strangers(&["north"], "own:another"), 1);
        assert_eq!(strangers(&[], "own:other"), 0, "nothing was described yet");
    }

    #[test]
    fn a_pair_that_does_not_answer_is_asked_less_and_less_often() {
        let (mut checks, start) = (Checks::default(), Instant::now());
        let sent = |checks: &mut Checks, seconds: u64| {
            let before = checks.of(way()).sent;
            for tick in 0..50 {
                let now = start + Duration::from_secs(seconds) + Duration::from_millis(20) * tick;
                checks.sending(way(), &message(REQUEST, 1, &[]), now);
            }
            checks.of(way()).sent - before
        };
        let counts = [sent(&mut checks, 0), sent(&mut checks, 1), sent(&mut checks, 5), sent(&mut checks, 20)];
        assert!(counts[0] > 15 && counts[0] > counts[1] && counts[1] > counts[2] && counts[3] == 2, "{counts:?}");
        assert!(checks.sending(way(), &message(REQUEST, 1, &[0, 0x25, 0, 0]), start + Duration::from_secs(21)));
    }
}
