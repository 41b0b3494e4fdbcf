//! All that reads what others send, each reader as one function from bytes to nothing; the corpus, the seeded mutations and the
//! coverage-guided fuzzer run the same.

#![allow(dead_code, reason = "each fuzz target takes what it needs")]

use std::io::Cursor;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use callcheck::cli::ice_servers;
use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::lab::fault::Fault;
use callcheck::lab::server::{Command, FiveTuple, Server};
use callcheck::model::endpoint::Transport;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::model::target::Target;
use callcheck::net::http::{self, LONGEST_BODY};
use callcheck::net::network::Stream;
use callcheck::net::old_tls;
use callcheck::proto::authentication::LongTerm;
use callcheck::proto::channel_data::ChannelData;
use callcheck::proto::framing::Framer;
use callcheck::proto::incoming::{Incoming, Method, Subject};
use callcheck::proto::outgoing::{Outgoing, data_indication};
use callcheck::proto::raw::RawMessage;
use callcheck::proto::request::{Request, send_indication};
use callcheck::proto::response::Response;
use callcheck::proto::schedule::Schedule;
use callcheck::proto::transactions::{Received, Transactions};

/// The longest message of either form, with its header (RFC 8489 §5, RFC 8656 §12.4).
pub const LONGEST_MESSAGE: usize = 20 + 65_535;

/// The transaction that is in flight where a message arrives.
pub const ID: [u8; 12] = [7; 12];

/// The most messages that the server is given of one input.
const MOST_MESSAGES: usize = 64;

/// Everything that a client does with a datagram.
pub fn read_as_client(bytes: &[u8]) {
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

/// A datagram that answers a request in flight, signed or not.
pub fn answer_to_client(bytes: &[u8]) {
    for signed in [None, Some(login())] {
        let start = Instant::now();
        let mut transactions = Transactions::default();
        transactions.start(ID, Request::allocate().seal(ID), Schedule::first_contact(), signed, start);
        if let Received::Data { payload, .. } | Received::ChannelData { payload, .. } = transactions.receive(bytes, start) {
            assert!(payload.len() <= bytes.len());
        }
        let due = transactions.due(start + Duration::from_mins(1));
        assert!(due.len() <= 1, "one request is given up once");
    }
}

/// A server that is asked for TLS 1.1, or by HTTP, and says this before it closes.
pub fn greet_as_stream(bytes: &[u8]) {
    let said = || Box::new(tokio::io::join(Cursor::new(bytes.to_vec()), tokio::io::sink())) as Box<dyn Stream>;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("the system has an event loop");
    runtime.block_on(async {
        _ = old_tls::is_spoken(said(), [7; 32]).await;
        let request = http::Request::new("GET", "a.example", "/").expect("it can be sent");
        if let Ok(answer) = http::exchange(said(), request, Duration::from_secs(5)).await {
            assert!(answer.body.len() <= LONGEST_BODY.min(bytes.len()));
        }
    });
}

/// What a person or a web server wrote: a target, or a list of ICE servers.
pub fn read_as_text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(target) = text.parse::<Target>() {
        assert!(!target.services().is_empty(), "a target is at least one service");
    }
    match ice_servers::read(&text, "-", None) {
        Ok(listed) => assert!(!listed.planned.is_empty() || !listed.entries.is_empty()),
        Err(error) => assert!(error.to_string().starts_with("invalid value \"-\" for --ice-servers: ")),
    }
}

/// Messages one after the other, each from every client: to a server with credentials, and to one that asks for none,
/// where they come further. Then an hour passes.
pub fn read_as_server(bytes: &[u8]) {
    for faults in [&[][..], &[Fault::TurnOpenRelay]] {
        let mut lab = Lab::broken(faults);
        for message in messages(bytes).into_iter().take(MOST_MESSAGES) {
            for _client in 0..lab.clients.len() {
                lab.take(message);
            }
        }
        assert!(lab.server.allocations() <= lab.clients.len(), "a client has one allocation");
        lab.rest();
        assert_eq!(lab.server.allocations(), 0, "an allocation lasts for an hour at most");
        lab.take_honest();
    }
}

/// Cuts where messages say that they end; what says nothing of the kind is the last one.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let [first, _, high, low, ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let total = if first & 0xC0 == 0 { 20 + length } else { 4 + length };
        let (message, rest) = bytes.split_at(total.min(bytes.len()));
        messages.push(message);
        bytes = rest;
    }
    if !bytes.is_empty() {
        messages.push(bytes);
    }
    messages
}

/// A stream that comes in pieces of that size, to its end or its first fault.
pub fn read_as_stream(bytes: &[u8], chunk: usize) {
    let mut framer = Framer::default();
    for piece in bytes.chunks(chunk) {
        framer.push(piece);
        while let Ok(Some(message)) = framer.next_message() {
            assert!(!message.is_empty() && message.len() <= LONGEST_MESSAGE);
        }
    }
}

/// The lab's server with a driver that opens every relay port.
pub struct Lab {
    /// The server.
    pub server: Server,
    /// Its clients.
    pub clients: Vec<FiveTuple>,
    /// The most allocations that there were at once.
    pub most: usize,
    now: Instant,
    turn: usize,
    nonce: String,
}

impl Lab {
    /// One that asks for credentials, and has given out a nonce.
    pub fn new() -> Self {
        let mut lab = Self::broken(&[]);
        let answer = lab.exchange(0, &Request::allocate().seal(ID)).pop().expect("an Allocate is answered");
        lab.nonce = Response::read(&answer).and_then(|answer| answer.nonce).expect("the challenge has a nonce");
        lab
    }

    /// One with faults.
    pub fn broken(faults: &[Fault]) -> Self {
        let now = Instant::now();
        let config = Config { faults: faults.to_vec(), ..Config::new(vec![RelayAddress::plain([127, 0, 0, 1].into())]) };
        let server = Server::new(config, now, 1_700_000_000);
        let client = |(port, transport)| FiveTuple { transport, client: address(port), server: address(3478) };
        let clients = [(1001, Transport::Udp), (1002, Transport::Tcp), (1003, Transport::Tls)].map(client).to_vec();
        Self { server, clients, most: 0, now, turn: 0, nonce: String::new() }
    }

    /// Valid requests of every kind, signed with a nonce that the server gave out.
    pub fn requests(&self) -> Vec<Vec<u8>> {
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
    pub fn take(&mut self, bytes: &[u8]) {
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

    /// Lets an hour pass.
    fn rest(&mut self) {
        self.now += Duration::from_hours(1);
        self.server.handle_timeout(self.now);
        self.drive();
    }

    /// After all of that, an honest client is still served.
    pub fn take_honest(&mut self) {
        self.clients.push(FiveTuple { transport: Transport::Udp, client: address(2000), server: address(3478) });
        let client = self.clients.len() - 1;
        let answer = self.allocate(client, &Request::allocate().seal(ID));
        // A server that asks for no credentials grants it at once.
        let granted = match LongTerm::new(&credentials(), &answer) {
            None => answer,
            Some(signed) => {
                let request = Request::allocate().authenticate(ID, &signed).expect("the credentials fit into a message");
                self.allocate(client, &request)
            }
        };
        assert!(granted.relayed.is_some(), "the relay is granted");
    }

    fn allocate(&mut self, client: usize, request: &[u8]) -> Response {
        let answer = self.exchange(client, request).pop().expect("an Allocate is answered");
        Response::read(&answer).expect("the answer is STUN")
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
pub fn answers() -> Vec<Vec<u8>> {
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

/// The server's one user.
pub fn credentials() -> Credentials {
    Credentials { username: Secret::new("alice"), password: Secret::new("north") }
}

/// What the client's requests are signed with.
pub fn login() -> LongTerm {
    LongTerm::of_user(&credentials(), "example.org", "f00dcafe")
}

/// A port of this host.
pub fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The bytes of a file of the corpus: hexadecimal digits, with `#` before comments.
pub fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let digits: Vec<u32> =
        lines.flat_map(str::chars).filter(|char| !char.is_whitespace()).map(|char| char.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}
