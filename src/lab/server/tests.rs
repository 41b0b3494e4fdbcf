//! The sans-IO server in virtual time, asked by the client's half of `proto`.

mod faults;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::*;
use crate::lab::discovery::Discovery;
use crate::model::secret::{Credentials, Secret};
use crate::proto::credentials::from_shared_secret;
use crate::proto::request::{Change, Request, send_indication};
use crate::proto::response::{Class, Response};

const SERVER: &str = "203.0.113.10:3478";
const ALICE: &str = "198.51.100.7:40000";
const BOB: &str = "198.51.100.8:40000";
const PEER: &str = "192.0.2.5:5000";

/// 2026-11-23.
const TODAY: i64 = 1_795_392_000;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn config() -> Config {
    Config::new(vec![RelayAddress::plain(address(SERVER).ip())])
}

fn given(username: &str, password: &str) -> Credentials {
    Credentials { username: Secret::new(username), password: Secret::new(password) }
}

/// A server and the world around it: relay ports open at once, and what is sent is kept.
struct World {
    server: Server,
    now: Instant,
    id: u8,
    to_clients: Vec<(FiveTuple, Source, Vec<u8>)>,
    to_peers: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    opened: Vec<SocketAddr>,
    closed: Vec<SocketAddr>,
    refuse_relays: usize,
}

impl World {
    fn new(config: Config) -> Self {
        let now = Instant::now();
        Self {
            server: Server::new(config, now, TODAY),
            now,
            id: 0,
            to_clients: Vec::new(),
            to_peers: Vec::new(),
            opened: Vec::new(),
            closed: Vec::new(),
            refuse_relays: 0,
        }
    }

    fn broken(fault: Fault) -> Self {
        Self::new(Config { faults: vec![fault], ..config() })
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(at) = self.server.next_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.server.handle_timeout(at);
            self.obey();
        }
        self.now = end;
    }

    fn obey(&mut self) {
        while let Some(command) = self.server.next_command() {
            match command {
                Command::ToClient { tuple, source, bytes } => self.to_clients.push((tuple, source, bytes)),
                Command::ToPeer { relay, peer, payload } => self.to_peers.push((relay, peer, payload)),
                Command::CloseRelay { relay } => self.closed.push(relay),
                Command::OpenRelay { relay } if self.refuse_relays > 0 => {
                    self.refuse_relays -= 1;
                    self.server.relay_refused(self.now, relay);
                }
                Command::OpenRelay { relay } => {
                    self.opened.push(relay);
                    self.server.relay_opened(self.now, relay);
                }
            }
        }
    }

    fn take_from_client(&mut self, tuple: FiveTuple, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.server.receive_from_client(self.now, tuple, bytes);
        self.obey();
        std::mem::take(&mut self.to_clients).into_iter().map(|(_, _, bytes)| bytes).collect()
    }

    fn take_from_peer(&mut self, relay: SocketAddr, peer: &str, payload: &[u8]) -> Vec<Vec<u8>> {
        self.server.receive_from_peer(self.now, relay, address(peer), payload);
        self.obey();
        std::mem::take(&mut self.to_clients).into_iter().map(|(_, _, bytes)| bytes).collect()
    }

    fn new_id(&mut self) -> [u8; 12] {
        self.id += 1;
        [self.id; 12]
    }

    /// Asks without credentials.
    fn ask(&mut self, tuple: FiveTuple, request: &Request) -> Option<Response> {
        let id = self.new_id();
        let answers = self.take_from_client(tuple, &request.seal(id));
        answers.first().and_then(|bytes| Response::read(bytes))
    }

    /// Asks with credentials; success must be signed.
    fn ask_signed(&mut self, tuple: FiveTuple, request: &Request, with: &LongTerm) -> Option<Response> {
        let id = self.new_id();
        let bytes = request.authenticate(id, with).expect("short credentials");
        let answers = self.take_from_client(tuple, &bytes);
        let response = Response::read(answers.first()?)?;
        if response.class == Class::Success {
            assert!(response.message.as_ref().is_some_and(|message| with.vouches_for(message)));
        }
        Some(response)
    }

    fn challenge(&mut self, tuple: FiveTuple, credentials: &Credentials) -> LongTerm {
        let challenge = self.ask(tuple, &Request::allocate()).expect("an answer");
        assert_eq!(challenge.error_code, Some(401));
        LongTerm::new(credentials, &challenge).expect("a realm and a nonce")
    }

    /// Gets an allocation for alice and returns who she is and its address.
    fn allocate(&mut self, tuple: FiveTuple) -> (LongTerm, SocketAddr) {
        let user = self.challenge(tuple, &given("alice", "north"));
        let response = self.ask_signed(tuple, &Request::allocate(), &user).expect("an answer");
        (user, response.relayed.expect("a relayed address"))
    }
}

fn tuple(client: &str) -> FiveTuple {
    FiveTuple { transport: Transport::Udp, client: address(client), server: address(SERVER) }
}

fn ip(text: &str) -> IpAddr {
    address(text).ip()
}

#[test]
fn binding_tells_the_client_its_address() {
    let response = World::new(config()).ask(tuple(ALICE), &Request::binding()).expect("an answer");
    assert_eq!(response.reflexive(), Some(address(ALICE)));
    assert_eq!(response.software.as_deref(), Some("callcheck lab"));
}

#[test]
fn a_binding_is_answered_from_where_and_to_where_the_client_wants() {
    let second = "203.0.113.11:3478";
    let discovery = Discovery::Offered { addresses: vec![ip(SERVER), ip(second)], ports: [address(SERVER).port(), 3479] };
    let mut world = World::new(Config { discovery, ..config() });
    let mut ends = |request: &Request| {
        world.server.receive_from_client(world.now, tuple(ALICE), &request.seal([1; 12]));
        let Some(Command::ToClient { tuple, bytes, .. }) = world.server.next_command() else { panic!("no answer") };
        let other = Response::read(&bytes).and_then(|response| response.other_address);
        assert_eq!(other, Some(SocketAddr::new(ip(second), 3479)));
        (tuple.server, tuple.client)
    };
    assert_eq!(ends(&Request::binding()), (address(SERVER), address(ALICE)));
    let other_port = SocketAddr::new(ip(SERVER), 3479);
    assert_eq!(ends(&Request::binding_answered_from(Change::Port)), (other_port, address(ALICE)));
    let other = SocketAddr::new(ip(second), 3479);
    assert_eq!(ends(&Request::binding_answered_from(Change::AddressAndPort)), (other, address(ALICE)));
    assert_eq!(ends(&Request::binding_answered_to(9)), (address(SERVER), SocketAddr::new(ip(ALICE), 9)));
}

#[test]
fn a_server_that_offers_no_discovery_refuses_it_as_unknown() {
    let response = World::new(config()).ask(tuple(ALICE), &Request::binding_answered_from(Change::Port)).expect("an answer");
    assert_eq!(response.error_code, Some(420));
}

#[test]
fn an_allocation_lies_in_the_range_and_tells_the_advertised_address() {
    let mut config = config();
    config.relays[0].bound = [10, 0, 0, 10].into();
    config.ports = 50_000..=50_009;
    let mut world = World::new(config);
    let (_, relayed) = world.allocate(tuple(ALICE));
    assert_eq!(relayed.ip(), ip(SERVER));
    assert!((50_000..=50_009).contains(&relayed.port()));
    assert_eq!(world.opened, [SocketAddr::new([10, 0, 0, 10].into(), relayed.port())]);
}

#[test]
fn a_seed_gives_the_same_ports_again_and_no_port_twice() {
    let ports = |seed| -> Vec<u16> {
        let mut world = World::new(Config { seed, ports: 50_000..=50_019, ..config() });
        (0..20).map(|index| world.allocate(tuple(&format!("198.51.100.7:{}", 40_000 + index))).1.port()).collect()
    };
    assert_eq!(ports(1), ports(1));
    assert_ne!(ports(1), ports(2));
    assert_eq!(ports(1).into_iter().collect::<BTreeSet<_>>().len(), 20);
}

#[test]
fn a_retransmitted_allocate_gets_the_same_answer_and_another_one_437() {
    let mut world = World::new(config());
    let user = world.challenge(tuple(ALICE), &given("alice", "north"));
    let bytes = Request::allocate().authenticate([9; 12], &user).expect("short credentials");
    let relayed = |answers: Vec<Vec<u8>>| Response::read(&answers[0]).expect("an answer").relayed;
    let first = relayed(world.take_from_client(tuple(ALICE), &bytes));
    assert!(first.is_some());
    assert_eq!(relayed(world.take_from_client(tuple(ALICE), &bytes)), first);
    assert_eq!(world.opened.len(), 1);
    let other = world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer");
    assert_eq!(other.error_code, Some(437));
}

#[test]
fn credentials_are_checked_with_the_codes_of_the_rfc() {
    let mut world = World::new(config());
    for (credentials, code) in [(given("alice", "south"), 401), (given("bob", "north"), 401)] {
        let user = world.challenge(tuple(ALICE), &credentials);
        let response = world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer");
        assert_eq!(response.error_code, Some(code));
        assert!(response.nonce.is_some() && response.realm.is_some());
    }
    let user = LongTerm::of_user(&given("alice", "north"), "example.org", "made up");
    assert_eq!(world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer").error_code, Some(438));
    let nonce = world.challenge(tuple(ALICE), &given("alice", "north")).nonce().to_owned();
    let user = LongTerm::of_user(&given("alice", "north"), "example.com", &nonce);
    assert_eq!(world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer").error_code, Some(437));
}

#[test]
fn a_nonce_is_stale_after_its_lifetime_and_on_another_connection() {
    let mut world = World::new(config());
    let (mut user, _) = world.allocate(tuple(ALICE));
    world.pass(Duration::from_secs(599));
    let refresh = Request::refresh(Duration::from_mins(10));
    assert_eq!(world.ask_signed(tuple(ALICE), &refresh, &user).expect("an answer").error_code, None);
    assert_eq!(world.ask_signed(tuple(BOB), &Request::allocate(), &user).expect("an answer").error_code, Some(438));
    world.pass(Duration::from_secs(1));
    let stale = world.ask_signed(tuple(ALICE), &refresh, &user).expect("an answer");
    assert_eq!(stale.error_code, Some(438));
    assert!(user.renew(&stale));
    assert_eq!(world.ask_signed(tuple(ALICE), &refresh, &user).expect("an answer").error_code, None);
}

#[test]
fn an_ephemeral_name_is_accepted_until_its_expiry() {
    let mut world = World::new(config());
    let credentials = from_shared_secret(&Secret::new("north"), Some("carol"), TODAY);
    let user = world.challenge(tuple(ALICE), &credentials);
    assert!(world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer").relayed.is_some());
    world.pass(Duration::from_secs(3601));
    let user = world.challenge(tuple(BOB), &credentials);
    assert_eq!(world.ask_signed(tuple(BOB), &Request::allocate(), &user).expect("an answer").error_code, Some(401));
}

#[test]
fn an_allocation_ends_by_refresh_zero_and_its_port_is_closed() {
    let mut world = World::new(config());
    let (user, relayed) = world.allocate(tuple(ALICE));
    assert_eq!(world.server.allocations(), 1);
    let answer = world.ask_signed(tuple(ALICE), &Request::refresh(Duration::ZERO), &user).expect("an answer");
    assert_eq!(answer.lifetime, Some(Duration::ZERO));
    assert_eq!((world.server.allocations(), &*world.closed), (0, &[relayed][..]));
    assert_eq!(world.server.next_timeout(), None);
}

#[test]
fn an_allocation_ends_by_itself_after_ten_minutes() {
    let mut world = World::new(config());
    let (_, relayed) = world.allocate(tuple(ALICE));
    world.pass(Duration::from_secs(599));
    assert_eq!(world.server.allocations(), 1, "{relayed}");
    world.pass(Duration::from_secs(1));
    assert_eq!((world.server.allocations(), &*world.closed), (0, &[relayed][..]));
}

#[test]
fn an_allocation_ends_with_its_stream() {
    let mut world = World::new(config());
    let stream = FiveTuple { transport: Transport::Tcp, ..tuple(ALICE) };
    let (_, relayed) = world.allocate(stream);
    world.server.client_closed(stream);
    world.obey();
    assert_eq!(world.closed, [relayed]);
}

#[test]
fn data_flows_both_ways_while_the_permission_lives() {
    let mut world = World::new(config());
    let (user, relayed) = world.allocate(tuple(ALICE));
    let indication = send_indication([1; 12], address(PEER), b"hello").expect("short");
    assert!(world.take_from_peer(relayed, PEER, b"unasked").is_empty());
    world.take_from_client(tuple(ALICE), &indication);
    assert!(world.to_peers.is_empty());

    let permitted = world.ask_signed(tuple(ALICE), &Request::create_permission(ip(PEER)), &user).expect("an answer");
    assert_eq!(permitted.class, Class::Success);
    world.take_from_client(tuple(ALICE), &indication);
    assert_eq!(world.to_peers, [(relayed, address(PEER), b"hello".to_vec())]);
    let data = world.take_from_peer(relayed, "192.0.2.5:9", b"from any port");
    let data = Response::read(&data[0]).expect("an indication");
    assert_eq!((data.peer, data.data.as_deref()), (Some(address("192.0.2.5:9")), Some(&b"from any port"[..])));

    world.pass(Duration::from_mins(5));
    assert!(world.take_from_peer(relayed, PEER, b"late").is_empty());
}

#[test]
fn a_bound_channel_carries_data_both_ways() {
    let mut world = World::new(config());
    let stream = FiveTuple { transport: Transport::Tcp, ..tuple(ALICE) };
    let (user, relayed) = world.allocate(stream);
    let bound = world.ask_signed(stream, &Request::channel_bind(0x4000, address(PEER)), &user).expect("an answer");
    assert_eq!(bound.class, Class::Success);
    let taken = world.ask_signed(stream, &Request::channel_bind(0x4000, address(BOB)), &user).expect("an answer");
    assert_eq!(taken.error_code, Some(400));
    let data = ChannelData { channel: 0x4000, payload: b"hello" };
    world.take_from_client(stream, &data.encode(true).expect("short"));
    assert_eq!(world.to_peers, [(relayed, address(PEER), b"hello".to_vec())]);
    assert_eq!(world.take_from_peer(relayed, PEER, b"hello"), [data.encode(true).expect("short")]);
}

#[test]
fn two_relays_of_one_server_reach_each_other_inside() {
    let mut config = config();
    config.relays[0].bound = [10, 0, 0, 10].into();
    let mut world = World::new(config);
    let (alice, from) = world.allocate(tuple(ALICE));
    let (bob, to) = world.allocate(tuple(BOB));
    world.ask_signed(tuple(ALICE), &Request::create_permission(to.ip()), &alice);
    world.ask_signed(tuple(BOB), &Request::create_permission(from.ip()), &bob);
    let data = world.take_from_client(tuple(ALICE), &send_indication([1; 12], to, b"hello").expect("short"));
    assert_eq!(Response::read(&data[0]).expect("an indication").peer, Some(from));
    assert!(world.to_peers.is_empty());
}

#[test]
fn quotas_and_ports_that_run_out_have_codes_of_their_own() {
    for (config, code) in [
        (Config { user_quota: Some(1), ..config() }, 486),
        (Config { total_quota: Some(1), ..config() }, 486),
        (Config { ports: 50_000..=50_000, ..config() }, 508),
    ] {
        let mut world = World::new(config);
        let (alice, _) = world.allocate(tuple(ALICE));
        let bob = world.challenge(tuple(BOB), &given("alice", "north"));
        assert_eq!(world.ask_signed(tuple(BOB), &Request::allocate(), &bob).expect("an answer").error_code, Some(code));
        world.ask_signed(tuple(ALICE), &Request::refresh(Duration::ZERO), &alice);
        assert!(world.ask_signed(tuple(BOB), &Request::allocate(), &bob).expect("an answer").relayed.is_some());
    }
}

#[test]
fn a_port_that_the_host_refuses_is_passed_over() {
    let mut world = World::new(config());
    world.refuse_relays = 3;
    world.allocate(tuple(ALICE));
    assert_eq!(world.opened.len(), 1);
    world.refuse_relays = usize::MAX;
    let bob = world.challenge(tuple(BOB), &given("alice", "north"));
    assert_eq!(world.ask_signed(tuple(BOB), &Request::allocate(), &bob).expect("an answer").error_code, Some(508));
    assert_eq!(world.server.allocations(), 1);
}

#[test]
fn what_must_be_understood_and_is_not_gets_420() {
    let mut world = World::new(config());
    let mut bytes = Request::binding().seal([1; 12]);
    bytes.extend([0x7A, 0xBC, 0, 4, 1, 2, 3, 4]);
    bytes[3] = 8;
    let answer = Response::read(&world.take_from_client(tuple(ALICE), &bytes)[0]).expect("an answer");
    assert_eq!(answer.error_code, Some(420));
}

#[test]
fn the_owner_of_an_allocation_alone_may_manage_it() {
    let mut config = config();
    config.users.push(given("bob", "north"));
    let mut world = World::new(config);
    let (alice, _) = world.allocate(tuple(ALICE));
    let bob = LongTerm::of_user(&given("bob", "north"), "example.org", alice.nonce());
    let answer = world.ask_signed(tuple(ALICE), &Request::refresh(Duration::ZERO), &bob).expect("an answer");
    assert_eq!(answer.error_code, Some(441));
    let refresh = Request::refresh(Duration::ZERO);
    let user = world.challenge(tuple(BOB), &given("bob", "north"));
    assert_eq!(world.ask_signed(tuple(BOB), &refresh, &user).expect("an answer").error_code, Some(437));
}

#[test]
fn no_mutation_of_a_request_harms_the_server() {
    let mut world = World::new(config());
    let (user, relayed) = world.allocate(tuple(ALICE));
    let requests = [
        Request::binding().seal([1; 12]),
        Request::allocate().authenticate([2; 12], &user).expect("short credentials"),
        Request::channel_bind(0x4000, address(PEER)).authenticate([3; 12], &user).expect("short credentials"),
        send_indication([4; 12], relayed, b"hello").expect("short"),
    ];
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..20_000 {
        let mut bytes = requests[round % requests.len()].clone();
        for _ in 0..=(random.next_u32() % 4) {
            let at = usize::try_from(random.next_u32()).expect("32 bits fit") % bytes.len();
            bytes[at] = random.next_u32().to_be_bytes()[0];
        }
        bytes.truncate(bytes.len() - usize::try_from(random.next_u32() % 3).expect("32 bits fit"));
        world.take_from_client(tuple(ALICE), &bytes);
    }
    assert!(world.server.allocations() <= 1);
}
