//! Messages that nobody should send: whatever is read from the network must end without a panic and in bounded memory.
//!
//! Valid messages are flipped, cut and spliced by a seed, so that every run is the same; `fuzz/corpus` has nasty ones that were made by
//! hand or found, and is replayed first. To add one: a file `fuzz/corpus/NAME.hex`, hexadecimal digits with `#` before comments.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::lab::fault::Fault;
use callcheck::lab::server::{Command, FiveTuple, Server};
use callcheck::model::endpoint::Transport;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::proto::authentication::LongTerm;
use callcheck::proto::channel_data::ChannelData;
use callcheck::proto::framing::Framer;
use callcheck::proto::incoming::{Incoming, Method, Subject};
use callcheck::proto::outgoing::{Outgoing, data_indication};
use callcheck::proto::raw::RawMessage;
use callcheck::proto::request::{Request, send_indication};
use callcheck::proto::response::Response;
use callcheck::proto::schedule::Schedule;
use callcheck::proto::transactions::{Due, Received, Transactions};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Mutated messages for what a client reads, for what the server reads, and chunks for streams; together under five seconds.
const FOR_CLIENT: usize = 80_000;
const FOR_SERVER: usize = 60_000;
const FOR_STREAMS: usize = 60_000;

/// The longest message of either form, with its header (RFC 8489 §5, RFC 8656 §12.4).
const LONGEST_MESSAGE: usize = 20 + 65_535;

/// More than all of this file needs, and far less than a leak would take, in kilobytes.
const MEMORY: u64 = 200 * 1024;

const ID: [u8; 12] = [7; 12];

// The corpus

#[test]
fn the_corpus_harms_no_reader() {
    let corpus = corpus();
    assert!(corpus.len() >= 40, "there are far more messages than {}", corpus.len());
    let mut server = Lab::new();
    for bytes in corpus.values() {
        read_as_client(bytes);
        for chunk in [1, 3, bytes.len().max(1)] {
            read_as_stream(bytes, chunk);
        }
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

// What reads

/// Everything that a client does with a datagram.
fn read_as_client(bytes: &[u8]) {
    if let Some(raw) = RawMessage::new(bytes) {
        let length: usize = raw.attributes().map(|(_, value)| value.len()).sum();
        assert!(length <= bytes.len());
        for kind in [0x0001, 0x0009, 0x0012, 0x0014, 0x0015, 0x0016, 0x0020, 0x8022] {
            _ = (raw.text(kind), raw.xor_address(kind), raw.error_code());
        }
    }
    if let Some(response) = Response::read(bytes) {
        _ = (response.reflexive(), callcheck::proto::response::is_data(&response));
        if let Some(mut signed) = LongTerm::new(&credentials(), &response) {
            _ = signed.renew(&response);
            _ = response.message.as_ref().map(|message| signed.vouches_for(message));
        }
    }
    if let Some(data) = ChannelData::read(bytes) {
        assert!(data.payload.len() <= bytes.len());
    }
    _ = Incoming::read(bytes);
}

/// A stream that comes in pieces of that size, to its end or its first fault.
fn read_as_stream(bytes: &[u8], chunk: usize) {
    let mut framer = Framer::default();
    for piece in bytes.chunks(chunk) {
        framer.push(piece);
        while let Ok(Some(message)) = framer.next_message() {
            assert!(!message.is_empty() && message.len() <= LONGEST_MESSAGE);
        }
    }
}

/// The lab's server with a driver that opens every relay port.
struct Lab {
    server: Server,
    now: Instant,
    clients: Vec<FiveTuple>,
    turn: usize,
    nonce: String,
    /// The most allocations that there were at once.
    most: usize,
}

impl Lab {
    fn new() -> Self {
        let mut lab = Self::broken(&[]);
        let answer = lab.exchange(0, &Request::allocate().seal(ID)).pop().expect("an Allocate is answered");
        lab.nonce = Response::read(&answer).and_then(|answer| answer.nonce).expect("the challenge has a nonce");
        lab
    }

    fn broken(faults: &[Fault]) -> Self {
        let now = Instant::now();
        let config = Config { faults: faults.to_vec(), ..Config::new(vec![RelayAddress::plain([127, 0, 0, 1].into())]) };
        let server = Server::new(config, now, 1_700_000_000);
        let client = |(port, transport)| FiveTuple { transport, client: address(port), server: address(3478) };
        let clients = [(1001, Transport::Udp), (1002, Transport::Tcp), (1003, Transport::Tls)].map(client).to_vec();
        Self { server, now, clients, turn: 0, nonce: String::new(), most: 0 }
    }

    /// Valid requests of every kind, signed with a nonce that the server gave out.
    fn requests(&self) -> Vec<Vec<u8>> {
        let signed = LongTerm::of_user(&credentials(), "example.org", &self.nonce);
        let peer = address(9);
        let requests = [
            Request::binding(),
            Request::allocate(),
            Request::refresh(Duration::from_mins(10)),
            Request::refresh(Duration::ZERO),
            Request::create_permission(peer.ip()),
            Request::channel_bind(0x4000, peer),
        ];
        let mut messages = Vec::new();
        for request in &requests {
            messages.push(request.seal(ID));
            messages.push(request.authenticate(ID, &signed).expect("the credentials fit into a message"));
        }
        messages.push(send_indication(ID, peer, b"to a peer").expect("it is short"));
        messages.push(ChannelData { channel: 0x4000, payload: b"to a peer" }.encode(true).expect("it is short"));
        messages
    }

    /// Takes a message from each client in turn, and now and then something from a peer, a timeout or the end of a stream.
    fn take(&mut self, bytes: &[u8]) {
        self.turn += 1;
        self.now += Duration::from_millis(7);
        let client = self.turn % self.clients.len();
        for answer in self.exchange(client, bytes) {
            assert!(answer.len() <= LONGEST_MESSAGE);
        }
        self.most = self.most.max(self.server.allocations());
        if self.turn.is_multiple_of(1000) {
            self.server.client_closed(self.clients[client]);
            self.server.handle_timeout(self.now);
            self.drive();
        }
    }

    /// After all of that, an honest client is still served.
    fn take_honest(&mut self) {
        self.clients.push(FiveTuple { transport: Transport::Udp, client: address(2000), server: address(3478) });
        let client = self.clients.len() - 1;
        let challenge = self.exchange(client, &Request::allocate().seal(ID)).pop().expect("an Allocate is answered");
        let challenge = Response::read(&challenge).expect("the answer is STUN");
        let signed = LongTerm::new(&credentials(), &challenge).expect("the challenge has realm and nonce");
        let request = Request::allocate().authenticate(ID, &signed).expect("the credentials fit into a message");
        let answer = self.exchange(client, &request).pop().expect("an Allocate is answered");
        assert!(Response::read(&answer).is_some_and(|answer| answer.relayed.is_some()), "the relay is granted");
    }

    fn exchange(&mut self, client: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.server.receive_from_client(self.now, self.clients[client], bytes);
        self.drive()
    }

    /// Does what the server wants, and gives back what goes to clients.
    fn drive(&mut self) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        while let Some(command) = self.server.next_command() {
            match command {
                Command::ToClient { bytes, .. } => answers.push(bytes),
                Command::OpenRelay { relay } => self.server.relay_opened(self.now, relay),
                Command::ToPeer { relay, peer, payload } => {
                    // The peer sends it back.
                    self.server.receive_from_peer(self.now, relay, peer, &payload);
                }
                Command::CloseRelay { .. } => {}
            }
        }
        answers
    }
}

/// Valid messages of every kind that a server sends.
fn answers() -> Vec<Vec<u8>> {
    let subject = |method| Subject { method, id: ID, fingerprint: true };
    let signed = login();
    let mapped = address(40_000);
    let v6: SocketAddr = "[2001:db8::7]:40000".parse().expect("it is an address");
    let challenge = || Outgoing::error(subject(Method::Allocate), 401).realm("example.org").nonce("f00dcafe").software("lab 1.0");
    vec![
        Outgoing::success(subject(Method::Binding)).xor_mapped(mapped).mapped(mapped).software("lab 1.0").seal(None),
        Outgoing::success(subject(Method::Binding)).xor_mapped(v6).seal(None),
        challenge().seal(None),
        Outgoing::error(subject(Method::Allocate), 438).realm("example.org").nonce("newer").seal(None),
        Outgoing::error(subject(Method::Allocate), 300).alternate(mapped).seal(None),
        Outgoing::error(subject(Method::Allocate), 420).unknown(&[0x7ABC, 0x0022]).seal(Some(&signed)),
        Outgoing::success(subject(Method::Allocate))
            .relayed(address(50_000))
            .xor_mapped(mapped)
            .lifetime(Duration::from_mins(10))
            .seal(Some(&signed)),
        Outgoing::success(subject(Method::CreatePermission)).seal(Some(&signed)),
        data_indication(ID, mapped, b"from a peer").expect("it is short"),
        data_indication(ID, v6, &[0; 1200]).expect("it is short"),
        ChannelData { channel: 0x4000, payload: b"from a peer" }.encode(true).expect("it is short"),
        ChannelData { channel: 0x4FFF, payload: &[0; 1200] }.encode(false).expect("it is short"),
    ]
}

fn credentials() -> Credentials {
    Credentials { username: Secret::new("alice"), password: Secret::new("north") }
}

fn login() -> LongTerm {
    LongTerm::of_user(&credentials(), "example.org", "f00dcafe")
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
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

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let digits: Vec<u32> =
        lines.flat_map(str::chars).filter(|char| !char.is_whitespace()).map(|char| char.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

/// Asserts that this process has never taken much memory, where the system tells.
fn assert_bounded() {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells the peak of memory");
    let peak: u64 = line.trim().trim_end_matches(" kB").parse().expect("it is a number of kilobytes");
    assert!(peak < MEMORY, "{peak} kB");
}
