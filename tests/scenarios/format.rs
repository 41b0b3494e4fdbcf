//! The language of the scenarios: which network a scenario asks for, what is wrong with it, and the report that callcheck owes.
//!
//! The files beside this one are read by the network lab (real servers, real packets) and by the simulated network; so networks and
//! faults are named things here, and how either world makes them is that world's own business.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

#[path = "nat.rs"]
pub mod nat;

/// One scenario: a network, its faults, one run of callcheck and what must come out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent property of a network")]
pub struct Scenario {
    /// One sentence on what is being shown, and which look-alike it is told apart from.
    pub description: String,
    /// The NAT that the caller sits behind.
    #[serde(default)]
    pub nat: Nat,
    /// A second NAT of the same kind in front of the first, with 100.64.0.0/10 between both.
    #[serde(default)]
    pub cgnat: bool,
    /// The NAT sends what comes from inside to its own address back in.
    #[serde(default)]
    pub hairpinning: bool,
    /// How long the NAT keeps an idle UDP mapping, in seconds.
    #[serde(default)]
    pub idle_mapping_s: Option<u32>,
    /// The ports that the caller's system chooses from for its sockets: of few, one comes round again within a moment. In the simulated
    /// network every socket has a new one.
    #[serde(default)]
    pub local_ports: Option<PortRange>,
    /// Where the TURN server stands.
    #[serde(default)]
    pub server: Placement,
    /// Gives every host an IPv6 address and route as well.
    #[serde(default)]
    pub ipv6: bool,
    /// Gives the server its second public address, 203.0.113.11; with both it helps callers to test their NAT (RFC 5780).
    #[serde(default)]
    pub second_address: bool,
    /// Round-trip time of the caller's access link.
    #[serde(default)]
    pub rtt_ms: u32,
    /// Share of datagrams, in halves of a percent, that the caller's access link loses each way. TCP is spared: it would hide the loss behind its own retransmission.
    #[serde(default)]
    pub loss_percent: f64,
    /// The certificate that the server presents; without one it has no TLS port.
    #[serde(default)]
    pub certificate: Certificate,
    /// The server's port for UDP and TCP.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The server's port for TLS.
    #[serde(default = "default_tls_port")]
    pub tls_port: u16,
    /// The server's relay range, `min-port` to `max-port`.
    #[serde(default)]
    pub relay_ports: PortRange,
    /// The server's realm.
    #[serde(default = "default_realm")]
    pub realm: String,
    /// The one account of the server.
    #[serde(default)]
    pub account: Account,
    /// What the caller knows of that account.
    #[serde(default)]
    pub credentials: Credentials,
    /// What is wrong.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// Lines for coturn's configuration. `key=value` replaces our own lines of that key, `-key` only removes them; `{chain}` is the file of
    /// the server's certificate. The simulated network can't express these.
    #[serde(default)]
    pub coturn: Vec<String>,
    /// A second server at 203.0.113.20, on a host of its own; it knows the account of the first one.
    #[serde(default)]
    pub other_server: Option<OtherServer>,
    /// Several servers behind the one address; it takes a cloud's 1:1 NAT to share it out.
    #[serde(default)]
    pub replicas: Option<Replicas>,
    /// Lines for a second coturn on the server's host, bound to the ports that the first one has; they change the first one's configuration.
    #[serde(default)]
    pub second_process: Option<Vec<String>>,
    /// A program in front of the server, on its host. The simulated network has none.
    #[serde(default)]
    pub front: Option<Front>,
    /// The firewall of the server's host. The simulated network has none of these programs.
    #[serde(default)]
    pub firewall: Option<Firewall>,
    /// Where callcheck runs.
    #[serde(default)]
    pub asked_from: AskedFrom,
    /// The hosts to compare with.
    #[serde(default)]
    pub controls: Controls,
    /// What the caller's resolver knows.
    #[serde(default)]
    pub dns: Dns,
    /// An `iceServers` document; `{ice-servers}` in the arguments is its file. The placeholders of `args` work in it, and so do `{user}`
    /// and `{password}`.
    #[serde(default)]
    pub ice_servers: Option<String>,
    /// The other end's network, where it is another one: callcheck then runs with `--role caller` in the one and `--role callee` in the
    /// other, or a browser plays there.
    #[serde(default)]
    pub callee: Option<Callee>,
    /// callcheck's responder on the server's host, in coturn's place.
    #[serde(default)]
    pub responder: Option<Responder>,
    /// What is wrong with the signaling gateway of a scenario that makes a call, by the names of tests/gateway and of tests/lab/gateway.mjs.
    #[serde(default)]
    pub gateway_faults: Vec<String>,
    /// Command and target. Credentials, controls and `--json` are added. Placeholders: `{turn}`, `{turn6}`, `{turn-second}`, `{other}`, `{ca}`,
    /// `{ca-of-company}`, which has the root of what looks into TLS besides,
    /// `{proxy}`, `{proxy-login}`, `{ice-servers}`, `{gateway}`; `{token}` is the file with the responder's token.
    #[serde(default = "default_args")]
    pub args: Vec<String>,
    /// Further environment of callcheck; the placeholders work here too.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// How far the caller's clock is ahead of all others, in seconds; below 0 it is behind.
    #[serde(default)]
    pub clock_ahead_s: i64,
    /// Sends SIGINT as soon as the server holds an allocation of this run.
    #[serde(default)]
    pub interrupt_after_allocation: bool,
    /// The caller's network dies as soon as the server holds an allocation of this run, and is well again before the next one.
    #[serde(default)]
    pub network_dies_after_allocation: bool,
    /// How often callcheck runs in this network, one run after the other; each must come out the same. The simulated network, in which
    /// all runs are alike, makes one.
    #[serde(default = "default_runs")]
    pub runs: u32,
    /// How long callcheck may take on a machine that has nothing else to do.
    #[serde(default = "default_within_ms")]
    pub within_ms: u64,
    /// What must come out.
    pub expect: Expect,
}

/// NATs by the vocabulary of the field; RFC 4787 calls the parts mapping and filtering.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// The caller has a public address.
    #[default]
    None,
    /// Endpoint-independent mapping and filtering.
    FullCone,
    /// Endpoint-independent mapping, address-dependent filtering.
    AddressRestricted,
    /// Endpoint-independent mapping, address- and port-dependent filtering.
    PortRestricted,
    /// The same by a router that takes what nobody expects for its own, as plain Linux does: its memory of that moves later mappings.
    OpenRouter,
    /// Address- and port-dependent mapping and filtering.
    Symmetric,
}

/// Where the TURN server stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// 203.0.113.10 is on its own interface.
    #[default]
    Public,
    /// It has 10.0.0.10, and a cloud's 1:1 NAT makes 203.0.113.10 of it; `external-ip` is configured unless a fault says otherwise.
    OneToOneNat,
    /// It has 10.0.0.10 and is reached at that address, as inside a company.
    PrivateNetwork,
}

/// Where callcheck runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskedFrom {
    /// In the caller's network.
    #[default]
    Caller,
    /// On the TURN server's own host.
    Server,
    /// On 10.0.1.2, another host behind the 1:1 NAT that the server is behind. `hairpinning` is that NAT's then: without it what comes from
    /// inside to the server's public address ends at the NAT itself.
    BehindTheServer,
}

/// Which hosts callcheck compares with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controls {
    /// Both control hosts, by `--control`.
    #[default]
    Both,
    /// `--no-controls`.
    None,
}

/// A second, independent TURN server. Its ports, relay range and realm are those of the first one unless lines for coturn say otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtherServer {
    /// What is wrong there.
    #[serde(default, deserialize_with = "faults_of_other_server")]
    pub faults: Vec<Fault>,
    /// Lines for coturn's configuration there.
    #[serde(default)]
    pub coturn: Vec<String>,
    /// What it presents; without a certificate it has no TLS port.
    #[serde(default)]
    pub certificate: Certificate,
}

/// What takes connections in the server's place and hands them on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// Which program.
    pub program: FrontProgram,
    /// The ports on which it takes TCP connections, once it is ready.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Its configuration: listeners for haproxy, `stream` and `http` for nginx. `{own}` is the server's own address, `{chain}` and `{key}`
    /// the files of its certificate.
    pub config: String,
}

/// The programs that can stand before a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrontProgram {
    /// A balancer of connections.
    Haproxy,
    /// A web server, which also hands on connections and datagrams.
    Nginx,
}

impl FrontProgram {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
        }
    }
}

/// A firewall on the server's host, as an operator sets it up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Firewall {
    /// Which program.
    pub program: FirewallProgram,
    /// What it lets in beside answers: `3478/udp`, `49152-65535/udp`.
    pub lets_in: Vec<String>,
}

/// The programs that can be that firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirewallProgram {
    /// Ubuntu's, which drops.
    Ufw,
    /// Red Hat's, which rejects.
    Firewalld,
    /// A table of nftables, whose policy is to drop.
    Nftables,
}

/// Two servers behind one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replicas {
    /// Both relay on the address that they share: each flow, to a relayed port too, goes to one of them by its addresses and ports.
    RelayOnTheCommonAddress,
    /// The first relays on 203.0.113.11, the second on 203.0.113.12; a flow to the common address goes to one of them as above.
    RelayOnOwnAddresses,
}

/// What the server presents on its TLS port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// No TLS port at all.
    #[default]
    None,
    /// Good for `turn.example.org`, 203.0.113.10, 203.0.113.11 and 203.0.113.20, below the root in `{ca}`.
    Valid,
    /// Ended yesterday.
    Expired,
    /// Begins tomorrow.
    NotYetValid,
    /// Ends in six days.
    ExpiresSoon,
    /// Signed by itself.
    SelfSigned,
    /// Below a root that nobody has, and which the server sends along.
    UnknownRoot,
    /// Good for another name and no address.
    OtherName,
    /// Issued by an intermediate which the server doesn't send.
    MissingIntermediate,
    /// The private key belongs to another certificate.
    KeyMismatch,
}

/// What is wrong with the network or the server.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The server's firewall drops UDP to the TURN port.
    TurnUdpDropped,
    /// The server's firewall answers UDP to the TURN port with port unreachable, as a host without the service does.
    TurnUdpRejected,
    /// A router before the server answers UDP to the TURN port with "administratively prohibited".
    TurnUdpProhibited,
    /// The server's own firewall answers UDP to the TURN port with "host prohibited", as Red Hat's does by default.
    TurnUdpProhibitedByServer,
    /// A router on the way drops UDP to the TURN port.
    TurnUdpDroppedByRouter(Router),
    /// That router answers UDP to the TURN port with "port unreachable" itself.
    TurnUdpRejectedByRouter(Router),
    /// A router on the way resets TCP connections to the TURN ports, in the server's name.
    TurnTcpResetByRouter(Router),
    /// No router tells of datagrams that it drops because they passed too many.
    RoutersSendNoTimeExceeded,
    /// The server's firewall drops UDP to the TURN port over IPv6.
    TurnUdpDroppedOverIpv6,
    /// The server's firewall drops TCP to the TURN port.
    TurnTcpDropped,
    /// The server's firewall resets TCP to the TURN port.
    TurnTcpReset,
    /// A router before the server answers TCP to the TURN port with "administratively prohibited".
    TurnTcpProhibited,
    /// The server's firewall drops TCP to the TLS port.
    TurnTlsDropped,
    /// The server's firewall drops UDP to the TLS port, which carries DTLS.
    TurnDtlsDropped,
    /// The server's firewall drops everything.
    ServerDropsEverything,
    /// The server's firewall drops everything over IPv6.
    ServerDropsIpv6,
    /// The last router before the server knows no way to its IPv6 address, and says so.
    ServerUnroutedOverIpv6,
    /// No host has the server's address.
    HostDown,

    /// The server's firewall drops what comes to the relay range, answers too.
    RelayRangeDropped,
    /// The server's firewall lets only answers come to the relay range.
    RelayRangeStateful,
    /// The server's firewall lets answers in, whatever stands behind this in the list.
    ServerFirewallPassesAnswers,
    /// The server's firewall answers packets to the relay range with port unreachable.
    RelayRangeRejected,
    /// The server's own firewall answers packets to the relay range with "host prohibited", as Red Hat's does by default.
    RelayRangeProhibited,
    /// The server's firewall drops what comes to the relay range outside of these ports.
    RelayRangeOpenOnly(Vec<PortRange>),
    /// The server's firewall drops what comes to the relay ports that this power of two divides.
    RelayPortsDroppedWhereDivisibleBy(u16),
    /// A firewall before the server drops what leaves the relay range.
    RelayEgressDropped,
    /// The server's own firewall refuses what leaves the relay range, so that sending fails; coturn gives the allocation up for that.
    RelayEgressRefused,
    /// The caller's network drops packets longer than so many bytes, and says nothing of it.
    LargePacketsDropped(u16),
    /// The server's firewall takes so many datagrams to the TURN port a second from anybody, and a few at once.
    TurnUdpLimited(u32),
    /// The line between the caller's last router and the internet carries packets up to so many bytes, and the routers say so.
    LineCarries(u16),
    /// No router tells that a packet is too large for its line.
    RoutersSendNoFragmentationNeeded,
    /// The router between all drops fragments.
    FragmentsDropped,
    /// Datagrams to and from the relay range are lost by this percentage each way, all others arrive.
    RelayLoss(f64),
    /// TCP segments from and to the caller are lost by this percentage each way.
    TcpLoss(f64),

    /// `external-ip` isn't configured behind the 1:1 NAT.
    ExternalIpMissing,
    /// `external-ip` is this address, which isn't the server's.
    ExternalIpWrong(Ipv4Addr),
    /// The 1:1 NAT passes new flows to the TURN ports alone and drops the others.
    OneToOneNatForwardsTurnPortsOnly,
    /// The same, and it gives other ports to what leaves the relay range.
    OneToOneNatRemapsRelayPorts,
    /// The 1:1 NAT drops what comes from inside to its own address, in place of refusing it.
    OneToOneNatDropsHairpin,
    /// The server's NAT puts its own private address in place of every caller's.
    ServerNatRewritesSources,
    /// A load balancer puts its own private address in place of the callers' where they come by TCP.
    LoadBalancerHidesTcpSources,
    /// A load balancer accepts TCP on the TURN port and hangs up, since nothing is behind it.
    LoadBalancerWithoutBackend,
    /// Datagrams from the TURN port leave with the server's second address.
    RepliesFromOtherAddress,
    /// Datagrams of the relay leave with the server's second address.
    RelaySendsFromOtherAddress,
    /// A firewall at the server drops large datagrams to the relay.
    RelayTakesSmallPacketsOnly,

    /// The server tells callers this OTHER-ADDRESS, and answers from the asked one whatever they want.
    OtherAddressIs(SocketAddrV4),

    /// Nothing listens on the server; the host itself is up.
    NotRunning,
    /// The server has no UDP listener.
    UdpListenerOff,
    /// The server has no TCP listener.
    TcpListenerOff,
    /// The server ignores Binding requests.
    StunOff,
    /// The server ignores all but Binding requests.
    TurnOff,
    /// The server asks nobody for credentials.
    AnonymousAccess,
    /// The user's allocations are all taken by another device of the same user.
    UserQuotaReached,
    /// The server's allocations are all taken.
    TotalQuotaReached,
    /// The relay range is small, and other callers hold all of it.
    RelayPortsExhausted,
    /// `relay-ip` is on none of the server's interfaces.
    RelayAddressAbsent,
    /// The server relays TCP only.
    UdpRelayOff,
    /// The server denies its own address as a peer.
    OwnAddressDenied,
    /// The server denies the caller's address as a peer.
    CallerAddressDenied,
    /// The server is the program's own, with one of its faults (src/lab/fault.rs), by its name.
    EmbeddedServer(String),
    /// What one relay of the server sends to another doesn't arrive, as where a NAT before the server would have to send it back in.
    RelaysCantReachEachOther,
    /// Each answer of the server over UDP but the first of a flow leaves with a TTL of 1, as coturn 4.17 sends them on some systems.
    LaterAnswersDieOnTheWay,
    /// The server relays for IPv6 alone, although it listens on both.
    RelayLacksIpv4,
    /// The server's clock is ahead of all others by this many seconds.
    ServerClockAhead(u32),
    /// Every request is answered with "stale nonce" and a fresh one.
    NonceAlwaysStale,
    /// The server's challenge has no REALM.
    RealmMissing,
    /// Every Allocate request with credentials is refused with this code.
    AllocateRefusedWith(u16),
    /// The server sends callers elsewhere.
    RedirectsTo(Redirect),
    /// A web server has the TURN port.
    HttpOnTurnPort,
    /// A web server with a good certificate has the TLS port.
    HttpInsideTls,
    /// The TLS port speaks no version above 1.1, and says so by an alert.
    TlsTooOld,
    /// The same without a word to newer clients, as coturn does it.
    TlsTooOldAndSilent,
    /// Streams to the server stall, without a reset, once this many bytes went over them, headers and both ways counted.
    StreamStallsAfterBytes(u32),

    /// The caller's network drops UDP.
    ClientNetworkDropsUdp,
    /// The caller's network drops UDP with a STUN header and nothing else.
    ClientNetworkDropsStun,
    /// The caller's network drops IPv6.
    ClientNetworkDropsIpv6,
    /// The caller's network lets datagrams out and none in, but for those of name servers.
    ClientNetworkLetsNoUdpIn,
    /// The caller's network lets datagrams in from DNS and from these ports only.
    ClientNetworkLetsUdpInFromPorts(Vec<u16>),
    /// The caller's network passes UDP to DNS and to these ports only.
    ClientNetworkPassesUdpPorts(Vec<u16>),
    /// The caller's network passes DNS, and TCP to these ports.
    ClientNetworkPassesTcpPorts(Vec<u16>),
    /// The caller's network passes only TCP, and to these hosts only.
    ClientNetworkPassesHosts(Vec<Ipv4Addr>),
    /// The caller's network drops what goes to these hosts.
    ClientNetworkDropsHosts(Vec<Ipv4Addr>),
    /// The caller's network drops datagrams to these hosts, and resets connections to them.
    ClientNetworkResetsHosts(Vec<Ipv4Addr>),
    /// The caller's NAT lets TCP leave from another address than UDP, as big carriers do.
    TcpLeavesFromOtherAddress,
    /// The caller's router "helps": in Binding answers it puts the caller's private address into MAPPED-ADDRESS.
    GatewayRewritesMappedAddress,
    /// The control hosts answer nothing but DNS.
    ControlsSilent,
    /// The caller's network passes DNS only; a web proxy at `{proxy}` connects to the rest.
    ClientNetworkRequiresProxy,
    /// That proxy connects to these ports alone.
    ProxyConnectsToPorts(Vec<u16>),
    /// That proxy wants the login `{proxy-login}`.
    ProxyWantsLogin,
    /// The caller's own host refuses to send UDP, but for DNS.
    LocalFirewallRefusesUdp,
    /// The caller's network answers every TCP connection itself and drops UDP, but for DNS.
    CaptivePortal,
    /// The caller's network ends TLS itself, to every host, with certificates of its own authority, and expects HTTP inside.
    TlsIntercepted,
    /// The caller's network has IPv6 alone, and its resolver as well.
    CallerHasNoIpv4,
}

/// The routers on the way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Router {
    /// That of the caller's network.
    Callers,
    /// The one between all.
    Middle,
    /// The cloud's before the server, where a 1:1 NAT is.
    Servers,
}

/// Where a redirecting server sends callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redirect {
    /// To a second, healthy server at 203.0.113.11.
    Working,
    /// To an address that nobody has.
    Dead,
    /// To a second server at 203.0.113.11, which sends them back.
    Loop,
}

/// The server's account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Default for Account {
    fn default() -> Self {
        Self { user: "alice".into(), password: "wonderland-1865".into() }
    }
}

/// What callcheck is given. The kinds in `rest-…` make the server one with a shared secret and ephemeral names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credentials {
    /// Name and password, in a file.
    #[default]
    Right,
    /// Name and password, in the environment.
    RightFromEnvironment,
    /// None: the arguments say all there is.
    None,
    /// The right name with another password.
    WrongPassword,
    /// A name that the server doesn't know.
    UnknownUser,
    /// The shared secret.
    Rest,
    /// The shared secret, and a name to put behind the stamp.
    RestWithName,
    /// Another shared secret.
    RestWrongSecret,
    /// A name that ended an hour ago, with its right password.
    RestExpired,
    /// A name that ends in five minutes, with its right password.
    RestExpiringSoon,
    /// A name with milliseconds for seconds, with its right password.
    RestMilliseconds,
    /// An ordinary account, where the server wants ephemeral ones.
    RestPlainUser,
}

/// The caller's resolver.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Dns {
    /// It never answers.
    #[serde(default)]
    pub silent: bool,
    /// It answers no question for an IPv6 address.
    #[serde(default)]
    pub silent_on_aaaa: bool,
    /// The lines of the caller's hosts file, but for that of `localhost`.
    #[serde(default)]
    pub hosts: Vec<HostsLine>,
    /// What it knows; any other name doesn't exist.
    #[serde(default)]
    pub records: Vec<Record>,
}

/// One line of a hosts file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostsLine {
    /// The address.
    pub address: std::net::IpAddr,
    /// The name.
    pub name: String,
}

/// One name, with all that is published for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The name, without the final dot.
    pub name: String,
    /// Its IPv4 addresses.
    #[serde(default)]
    pub a: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    #[serde(default)]
    pub aaaa: Vec<std::net::Ipv6Addr>,
    /// Its services.
    #[serde(default)]
    pub srv: Vec<Service>,
}

/// The data of an SRV record; priority and weight are 0.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The host that serves.
    pub target: String,
    /// The port.
    pub port: u16,
}

/// The callee of a call between two networks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Callee {
    /// Its NAT.
    pub nat: Nat,
    /// What plays it.
    #[serde(default)]
    pub player: Player,
    /// What callcheck is given there beside the arguments of the scenario.
    #[serde(default)]
    pub args: Vec<String>,
    /// A browser's `iceTransportPolicy`.
    #[serde(default = "default_policy")]
    pub policy: String,
    /// A browser's `iceServers`; the placeholders of `ice-servers` work in it.
    #[serde(default = "default_browser_servers")]
    pub ice_servers: String,
    /// What must come out at its end, where callcheck plays it. A browser must be connected, decode frames and get sound.
    pub expect: Option<Expect>,
}

/// A responder on the server's host. It listens on port 9999 of all addresses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Responder {
    /// The ports that it is to serve.
    #[serde(default)]
    pub range: PortRange,
    /// The UDP ports that another program has taken before.
    #[serde(default)]
    pub taken: Vec<u16>,
    /// Whether its token is another than the caller's.
    #[serde(default)]
    pub other_token: bool,
    /// Whether it isn't there, although the caller asks for it.
    #[serde(default)]
    pub absent: bool,
    /// The server's firewall drops TCP to its range outside of these ports.
    pub tcp_open_only: Option<Vec<PortRange>>,
    /// The server's firewall drops UDP, or TCP and UDP, to the port that it listens on.
    #[serde(default)]
    pub closed: Vec<String>,
}

/// What plays the other end of a call between two networks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Player {
    /// callcheck, as the callee.
    #[default]
    Callcheck,
    /// A browser, as the callee.
    BrowserAnswers,
    /// A browser, as the caller; callcheck is the callee then.
    BrowserCalls,
}

fn default_policy() -> String {
    "all".into()
}

fn default_browser_servers() -> String {
    r#"[{ "urls": "turn:{turn}?transport=udp", "username": "{user}", "credential": "{password}" }]"#.into()
}

/// What must come out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expect {
    /// The report's verdict; left out where the run is cut short and any is right.
    pub verdict: Option<Verdict>,
    /// callcheck's exit code.
    pub exit: i32,
    /// All findings, in the report's order; left out where the run is cut short.
    pub findings: Option<Vec<ExpectedFinding>>,
    /// The cause of the first finding, where a list of all would say too much.
    pub first_is: Option<String>,
    /// Findings that must be there, in whatever place of the report's order.
    #[serde(default)]
    pub found: Vec<ExpectedFinding>,
    /// Causes that must be found or remain.
    #[serde(default)]
    pub named: Vec<String>,
    /// Causes that must neither be found nor remain.
    #[serde(default)]
    pub not_named: Vec<String>,
    /// Whether no finding worse than a warning may be certain.
    #[serde(default)]
    pub none_is_certain: bool,
    /// Words that the first finding's summary must have.
    #[serde(default)]
    pub first_says: Vec<String>,
    /// Causes that the report must rule out.
    #[serde(default)]
    pub ruled_out: Vec<String>,
    /// Words of the things that the report must call untested.
    #[serde(default)]
    pub not_tested: Vec<String>,
    /// What the report says of the relay's ports.
    #[serde(default)]
    pub relay_ports: Option<ExpectedPorts>,
    /// Properties of the NAT over IPv4 by their names in the report, and what must be said of them; `not-tested` where nothing may.
    #[serde(default)]
    pub nat: BTreeMap<String, String>,
    /// The same over IPv6.
    #[serde(default)]
    pub nat6: BTreeMap<String, String>,
    /// How long an idle mapping really lives, in seconds: the report's bounds must be about it.
    #[serde(default)]
    pub idle_lifetime_s: Option<u32>,
    /// All ranges of ports that the report must have, where the scenario says.
    pub ports: Option<Vec<ExpectedRange>>,
    /// Causes that come up once the first finding's fix is made, where it hid them.
    #[serde(default)]
    pub after_fix: Vec<String>,
    /// Allocations that stay because their release can't reach the server.
    #[serde(default)]
    pub allocations_left: usize,
}

/// What the report must say of the relay's ports.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ExpectedPorts {
    /// At least so many were tried.
    #[serde(default)]
    pub tried_at_least: u32,
    /// Exactly these are closed, as the report writes them; left out where it depends on the ports that the server draws.
    pub closed: Option<Vec<String>>,
    /// Whether every port that the server uses was tried.
    pub complete: bool,
    /// The range that the server uses, where every port was tried.
    pub server_range: Option<String>,
}

/// What a report must know of the ports of a range, each as a list of ranges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRange {
    /// `udp` or `tcp`.
    pub proto: String,
    /// Those that are open.
    #[serde(default)]
    pub open: Vec<String>,
    /// Those that are closed.
    #[serde(default)]
    pub closed: Vec<String>,
    /// Those of which nothing is known.
    #[serde(default)]
    pub unknown: Vec<String>,
}

/// The report's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Calls will work.
    Ok,
    /// They work for some.
    Degraded,
    /// They fail.
    Failed,
    /// It can't be told from here.
    Inconclusive,
}

/// One finding, as much of it as is no prose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFinding {
    /// The cause.
    pub id: String,
    /// What it does to calls.
    pub level: Level,
    /// How sure the report is; left out where that depends on what hosts told in time.
    pub confidence: Option<Confidence>,
    /// Causes that must be among those that remain.
    #[serde(default)]
    pub remaining: Vec<String>,
    /// Where it sits, as listings write it: `udp 203.0.113.10:3478`; left out where that is of no matter.
    pub place: Option<String>,
}

/// A finding of a report, as much of it as scenarios speak of.
pub struct NamedFinding {
    /// The cause.
    pub id: String,
    /// `fail`, `degrade` or `warn`.
    pub level: String,
    /// `certain`, `likely` or `possible`.
    pub confidence: String,
    /// The causes that remain.
    pub remaining: Vec<String>,
    /// Where it sits.
    pub place: String,
}

impl fmt::Display for NamedFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} at {}, remaining {:?}", self.id, self.level, self.confidence, self.place, self.remaining)
    }
}

impl Expect {
    /// What is wrong with the findings of a report, one line each.
    pub fn wrong_findings(&self, found: &[NamedFinding]) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(expected) = &self.findings {
            let fits = expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| expected.is(found));
            if !fits {
                let found: Vec<String> = found.iter().map(ToString::to_string).collect();
                wrong.push(format!("findings {found:#?}\n  expected {expected:#?}"));
            }
        }
        if let Some(first) = &self.first_is
            && found.first().is_none_or(|finding| finding.id != *first)
        {
            let first_found = found.first().map_or_else(|| "nothing".to_owned(), ToString::to_string);
            wrong.push(format!("says {first_found} first, expected {first}"));
        }
        for expected in self.found.iter().filter(|expected| !found.iter().any(|finding| expected.is(finding))) {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("no {expected:?}\n  among {found:#?}"));
        }
        for finding in found.iter().filter(|finding| self.none_is_certain && finding.level != "warn") {
            if finding.confidence == "certain" {
                wrong.push(format!("is certain of {finding}"));
            }
        }
        let is_named = |id: &String| found.iter().any(|finding| finding.id == *id || finding.remaining.contains(id));
        wrong.extend(self.named.iter().filter(|id| !is_named(id)).map(|id| format!("{id} is not named")));
        wrong.extend(self.not_named.iter().filter(|id| is_named(id)).map(|id| format!("{id} is named")));
        wrong
    }
}

impl ExpectedFinding {
    fn is(&self, found: &NamedFinding) -> bool {
        let word = |value: &dyn fmt::Debug| format!("{value:?}").to_lowercase();
        self.id == found.id
            && word(&self.level) == found.level
            && self.confidence.is_none_or(|confidence| word(&confidence) == found.confidence)
            && self.remaining.iter().all(|id| found.remaining.contains(id))
            && self.place.as_ref().is_none_or(|place| *place == found.place)
    }
}

/// What a cause does to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// They fail.
    Fail,
    /// They fail for some, or run badly.
    Degrade,
    /// A risk.
    Warn,
}

/// How sure the report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Nothing else leaves this evidence.
    Certain,
    /// Other causes are rarer.
    Likely,
    /// One of several.
    Possible,
}

/// Ports from the first to the last, written `50000-50010` or `50000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl Default for PortRange {
    /// The relay range that servers have unless told otherwise.
    fn default() -> Self {
        Self { first: 49152, last: 65535 }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |digits: &str| digits.parse::<u16>().map_err(|error| format!("port {digits:?}: {error}"));
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: port(first)?, last: port(last)? };
        if range.first > range.last {
            return Err(format!("port range {text:?} is upside down"));
        }
        Ok(range)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Scenario {
    /// The scenario as the other server sees it: in the same network, with faults and lines of its own.
    pub fn of_other_server(&self) -> Option<Self> {
        let OtherServer { faults, coturn, certificate } = self.other_server.clone()?;
        let mut view = self.clone();
        (view.faults, view.coturn, view.certificate) = (faults, coturn, certificate);
        (view.server, view.second_address, view.ipv6) = (Placement::Public, false, false);
        (view.replicas, view.second_process, view.front) = (None, None, None);
        Some(view)
    }

    /// What no network can have at once, or nothing.
    pub fn contradiction(&self) -> Option<&'static str> {
        let behind_nat = self.server == Placement::OneToOneNat;
        if self.replicas.is_some() && !behind_nat {
            return Some("replicas are behind a 1:1 NAT");
        }
        if self.asked_from == AskedFrom::BehindTheServer && !behind_nat {
            return Some("who is behind the server's address has a 1:1 NAT there");
        }
        if self.asked_from != AskedFrom::Caller && self.nat != Nat::None {
            return Some("the caller's NAT is not on the way of one who asks beside the server");
        }
        if self.asked_from != AskedFrom::Caller && self.callee.is_some() {
            return Some("a call between two networks has its caller in the caller's");
        }
        None
    }
}

/// The faults of the other server, which are those of a server with one public address and no router of its own.
fn faults_of_other_server<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Fault>, D::Error> {
    let faults = Vec::<Fault>::deserialize(deserializer)?;
    match faults.iter().find(|fault| !fault.is_of_any_server()) {
        Some(fault) => Err(serde::de::Error::custom(format!("the other server can't have the fault {fault:?}"))),
        None => Ok(faults),
    }
}

impl Fault {
    /// Whether it sits at a server or right before it, whichever server that is.
    fn is_of_any_server(&self) -> bool {
        match self {
            Self::TurnUdpDropped
            | Self::TurnUdpRejected
            | Self::TurnUdpProhibited
            | Self::TurnUdpProhibitedByServer
            | Self::TurnTcpDropped
            | Self::TurnTcpReset
            | Self::TurnTcpProhibited
            | Self::TurnTlsDropped
            | Self::TurnDtlsDropped
            | Self::TurnUdpLimited(_)
            | Self::ServerDropsEverything
            | Self::HostDown
            | Self::RelayRangeDropped
            | Self::RelayRangeStateful
            | Self::ServerFirewallPassesAnswers
            | Self::RelayRangeRejected
            | Self::RelayRangeProhibited
            | Self::RelayRangeOpenOnly(_)
            | Self::RelayPortsDroppedWhereDivisibleBy(_)
            | Self::RelayEgressDropped
            | Self::RelayEgressRefused
            | Self::RelayLoss(_)
            | Self::ExternalIpWrong(_)
            | Self::OtherAddressIs(_)
            | Self::NotRunning
            | Self::UdpListenerOff
            | Self::TcpListenerOff
            | Self::StunOff
            | Self::TurnOff
            | Self::AnonymousAccess
            | Self::UserQuotaReached
            | Self::TotalQuotaReached
            | Self::RelayPortsExhausted
            | Self::RelayAddressAbsent
            | Self::UdpRelayOff
            | Self::OwnAddressDenied
            | Self::CallerAddressDenied
            | Self::EmbeddedServer(_)
            | Self::RelaysCantReachEachOther
            | Self::LaterAnswersDieOnTheWay
            | Self::ServerClockAhead(_)
            | Self::NonceAlwaysStale
            | Self::RealmMissing
            | Self::AllocateRefusedWith(_)
            | Self::HttpOnTurnPort
            | Self::HttpInsideTls
            | Self::TlsTooOld
            | Self::TlsTooOldAndSilent => true,
            Self::TurnUdpDroppedByRouter(_)
            | Self::TurnUdpRejectedByRouter(_)
            | Self::TurnTcpResetByRouter(_)
            | Self::RoutersSendNoTimeExceeded
            | Self::TurnUdpDroppedOverIpv6
            | Self::ServerDropsIpv6
            | Self::ServerUnroutedOverIpv6
            | Self::LargePacketsDropped(_)
            | Self::LineCarries(_)
            | Self::RoutersSendNoFragmentationNeeded
            | Self::FragmentsDropped
            | Self::TcpLoss(_)
            | Self::ExternalIpMissing
            | Self::OneToOneNatForwardsTurnPortsOnly
            | Self::OneToOneNatRemapsRelayPorts
            | Self::OneToOneNatDropsHairpin
            | Self::ServerNatRewritesSources
            | Self::LoadBalancerHidesTcpSources
            | Self::LoadBalancerWithoutBackend
            | Self::RepliesFromOtherAddress
            | Self::RelaySendsFromOtherAddress
            | Self::RelayTakesSmallPacketsOnly
            | Self::RelayLacksIpv4
            | Self::RedirectsTo(_)
            | Self::StreamStallsAfterBytes(_)
            | Self::ClientNetworkDropsUdp
            | Self::ClientNetworkDropsStun
            | Self::ClientNetworkDropsIpv6
            | Self::ClientNetworkLetsNoUdpIn
            | Self::ClientNetworkLetsUdpInFromPorts(_)
            | Self::ClientNetworkPassesUdpPorts(_)
            | Self::ClientNetworkPassesTcpPorts(_)
            | Self::ClientNetworkPassesHosts(_)
            | Self::ClientNetworkDropsHosts(_)
            | Self::ClientNetworkResetsHosts(_)
            | Self::TcpLeavesFromOtherAddress
            | Self::GatewayRewritesMappedAddress
            | Self::ControlsSilent
            | Self::ClientNetworkRequiresProxy
            | Self::ProxyConnectsToPorts(_)
            | Self::ProxyWantsLogin
            | Self::LocalFirewallRefusesUdp
            | Self::CaptivePortal
            | Self::TlsIntercepted
            | Self::CallerHasNoIpv4 => false,
        }
    }
}

fn default_runs() -> u32 {
    1
}

fn default_port() -> u16 {
    3478
}

fn default_tls_port() -> u16 {
    5349
}

fn default_realm() -> String {
    "example.org".into()
}

fn default_args() -> Vec<String> {
    vec!["turn".into(), "{turn}".into()]
}

fn default_within_ms() -> u64 {
    6000
}
