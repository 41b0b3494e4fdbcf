//! Messages that nobody should send: whatever is read from the network must end without a panic and in bounded memory.
//!
//! Valid messages are flipped, cut and spliced by a seed, so that every run is the same; `fuzz/corpus` has nasty ones that were made by
//! hand or found, and is replayed first. To add one: a file `fuzz/corpus/NAME.hex`, hexadecimal digits with `#` before comments.
//! `fuzz/run` looks for more of them, guided by coverage.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use callcheck::lab::fault::Fault;
use callcheck::proto::framing::Framer;
use callcheck::proto::request::Request;
use callcheck::proto::response::Response;
use callcheck::proto::schedule::Schedule;
use callcheck::proto::transactions::{Due, Received, Transactions};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use harness::{
    ID, LONGEST_MESSAGE, Lab, answer_to_client, answers, bytes_of, greet_as_stream, login, read_as_client, read_as_server,
    read_as_stream, read_as_text,
};

#[path = "fuzz/harness.rs"]
mod harness;

/// Mutated messages for what a client reads, for what the server reads, and chunks for streams; together under five seconds.
const FOR_CLIENT: usize = 80_000;
const FOR_SERVER: usize = 60_000;
const FOR_STREAMS: usize = 60_000;

/// More than all of this file needs, and far less than a leak would take, in kilobytes.
const MEMORY: u64 = 200 * 1024;

// The corpus

#[test]
fn the_corpus_harms_no_reader() {
    let corpus = corpus();
    assert!(corpus.len() >= 55, "there are far more messages than {}", corpus.len());
    let mut server = Lab::new();
    for bytes in corpus.values() {
        read_as_client(bytes);
        answer_to_client(bytes);
        for chunk in [1, 3, bytes.len().max(1)] {
            read_as_stream(bytes, chunk);
        }
        greet_as_stream(bytes);
        read_as_text(bytes);
        read_as_server(bytes);
        server.take(bytes);
    }
    assert_bounded();
}

#[test]
fn a_challenge_with_one_broken_attribute_still_gives_realm_and_nonce() {
    let corpus = corpus();
    for name in [
        "challenge_with_software_not_utf8",
        "challenge_with_software_first_not_utf8",
        "challenge_with_overrunning_software",
        "challenge_with_reason_not_utf8",
    ] {
        let response = Response::read(&corpus[name]).unwrap_or_else(|| panic!("{name} is STUN"));
        let told = (response.error_code, response.realm.as_deref(), response.nonce.as_deref());
        assert_eq!(told, (Some(401), Some("example.org"), Some("f00dcafe")), "{name}");
    }
}

#[test]
fn what_is_no_stun_is_not_taken_for_it() {
    let corpus = corpus();
    for name in ["http_answer", "http_request", "tls_server_hello", "tls_alert", "ssh_banner"] {
        assert!(Response::read(&corpus[name]).is_none(), "{name}");
        let mut framer = Framer::default();
        framer.push(&corpus[name]);
        assert!(framer.next_message().is_err(), "{name}");
    }
    for name in ["no_bytes", "one_byte", "header_with_wrong_length", "header_with_odd_length", "header_with_wrong_cookie"] {
        assert!(Response::read(&corpus[name]).is_none(), "{name}");
    }
}

#[test]
fn data_without_its_peer_is_no_data() {
    let corpus = corpus();
    for name in ["data_indication_without_peer", "data_indication_without_data"] {
        let received = Transactions::default().receive(&corpus[name], Instant::now());
        assert!(matches!(received, Received::Stray(_)), "{name}: {received:?}");
    }
}

// Mutations

#[test]
fn no_mutated_answer_harms_the_client() {
    let mut mutator = Mutator::new(1, answers());
    let start = Instant::now();
    let mut transactions = Transactions::default();
    for round in 0..FOR_CLIENT {
        let bytes = mutator.next();
        read_as_client(&bytes);
        // A request is always in flight, signed and unsigned in turn, so that answers have something to meet.
        if transactions.is_idle() {
            let signed = round.is_multiple_of(2).then(login);
            transactions.start(ID, Request::allocate().seal(ID), Schedule::first_contact(), signed, start);
        }
        if let Received::Data { payload, .. } | Received::ChannelData { payload, .. } = transactions.receive(&bytes, start) {
            assert!(payload.len() <= bytes.len());
        }
    }
    let due = transactions.due(start + Duration::from_mins(1));
    assert!(due.iter().all(|due| matches!(due, Due::GivenUp { .. })), "what got no answer is given up");
    assert_bounded();
}

#[test]
fn no_mutated_request_harms_the_server() {
    let mut server = Lab::new();
    // One that asks nobody for credentials lets what is mutated come further.
    let mut open = Lab::broken(&[Fault::TurnOpenRelay]);
    let mut mutator = Mutator::new(2, server.requests());
    for _ in 0..FOR_SERVER / 2 {
        server.take(&mutator.next());
        open.take(&mutator.next());
    }
    for server in [&server, &open] {
        assert!(server.server.allocations() <= server.clients.len(), "a client has one allocation");
    }
    assert!(open.most > 0 && server.most > 0, "some of the requests were valid");
    server.take_honest();
    assert_bounded();
}

#[test]
fn no_mutated_stream_harms_the_framer() {
    let mut seeds = answers();
    seeds.extend(corpus().into_values());
    let mut mutator = Mutator::new(3, seeds);
    let mut framer = Framer::default();
    let mut unread = 0;
    for _ in 0..FOR_STREAMS {
        let bytes = mutator.next();
        unread += bytes.len();
        framer.push(&bytes);
        loop {
            match framer.next_message() {
                Ok(Some(message)) => {
                    assert!(!message.is_empty() && message.len() <= unread, "a message is made of what came");
                    unread -= message.len();
                }
                Ok(None) => {
                    assert!(unread <= LONGEST_MESSAGE, "the framer holds back {unread} bytes");
                    break;
                }
                Err(_) => {
                    // The connection ends here.
                    (framer, unread) = (Framer::default(), 0);
                    break;
                }
            }
        }
    }
    assert_bounded();
}

/// Makes messages out of valid ones.
struct Mutator {
    random: StdRng,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        Self { random: StdRng::seed_from_u64(seed), seeds }
    }

    fn next(&mut self) -> Vec<u8> {
        let mut bytes = self.seed();
        for _ in 0..self.random.random_range(0..=4) {
            match self.random.random_range(0..6) {
                0 => self.flip(&mut bytes),
                1 => self.cut(&mut bytes),
                2 => self.splice(&mut bytes),
                3 => self.insert(&mut bytes),
                4 => self.claim(&mut bytes),
                _ => mend_length(&mut bytes),
            }
        }
        // Most mutations would end at the header's length without this.
        if self.random.random_bool(0.5) {
            mend_length(&mut bytes);
        }
        bytes
    }

    fn seed(&mut self) -> Vec<u8> {
        let index = self.random.random_range(0..self.seeds.len());
        self.seeds[index].clone()
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let at = self.random.random_range(0..bytes.len());
            bytes[at] ^= 1 << self.random.random_range(0..8);
        }
    }

    fn cut(&mut self, bytes: &mut Vec<u8>) {
        bytes.truncate(self.random.random_range(0..=bytes.len()));
    }

    /// The head of one message with the tail of another.
    fn splice(&mut self, bytes: &mut Vec<u8>) {
        let other = self.seed();
        bytes.truncate(self.random.random_range(0..=bytes.len()));
        bytes.extend(&other[self.random.random_range(0..=other.len())..]);
    }

    fn insert(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.random_range(0..=bytes.len());
        let junk: Vec<u8> = (0..self.random.random_range(1..=8)).map(|_| self.random.random()).collect();
        bytes.splice(at..at, junk);
    }

    /// Another length, where lengths stand.
    fn claim(&mut self, bytes: &mut [u8]) {
        let at = 2 + 4 * self.random.random_range(0..8);
        let claims = [0, 1, 3, 4, 0x7FFF, 0xFFFC, 0xFFFF, self.random.random()];
        let claim: u16 = claims[self.random.random_range(0..claims.len())];
        if let Some(length) = bytes.get_mut(at..at + 2) {
            length.copy_from_slice(&claim.to_be_bytes());
        }
    }
}

/// Makes the header of a STUN message say how long it is.
fn mend_length(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let length = u16::try_from(bytes.len().saturating_sub(20)).unwrap_or(u16::MAX);
    if let Some(field) = bytes.get_mut(2..4) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// The messages of the corpus by the names of their files.
fn corpus() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut corpus = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("an entry is readable").path();
        let text = std::fs::read_to_string(&path).expect("a message is written in text");
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("the name is text").to_owned();
        let bytes = bytes_of(&text).unwrap_or_else(|| panic!("{name} is not hexadecimal"));
        corpus.insert(name, bytes);
    }
    corpus
}

/// Asserts that this process has never taken much memory, where the system tells.
fn assert_bounded() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells the peak of memory");
    let peak: u64 = line.trim().trim_end_matches(" kB").parse().expect("it is a number of kilobytes");
    assert!(peak < MEMORY, "{peak} kB");
}
