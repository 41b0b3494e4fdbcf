//! What one probe saw. Facts state and never judge; "not probed" is the absence of a fact.

mod call;
mod control;
mod given;
mod nat;
mod ports;
mod reach;
mod relay;
mod responder;
mod signaling;
mod size;
mod trace;
mod turn;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;

pub use call::{CandidateCounts, Delivery, Ended, ExchangeFact, Forwarded, IceEnd, PairFact, PeerFact, Refusal};
pub use control::{ClockFact, ControlFact, ControlKind, ProxyFact, THROUGH_PROXY, WebFact};
pub use given::{
    CredentialsFact, CredentialsOddity, CredentialsSource, ListEntryFact, ListMistake, ListRefusal, NameAnswer, NameFact,
    RouteFact,
};
pub use nat::{Contact, FilteringFact, FilteringWay, HairpinFact, LifetimeFact, LifetimeWay, MappingFact, NatRelayFact};
pub use ports::{PortProtocol, PortReplyFact, PortWay, PortsBy, PortsEnd, PortsFact};
pub use reach::{
    BindingFact, Certificate, CertificateDefect, ConnectFact, HandshakeEnd, HandshakeFact, InsteadFact, LossFact, Tally,
};
pub use relay::{
    ENOUGH_VOLUME, IcmpFact, InboundFact, InboundWay, OutboundFact, SelfPairFact, StreamFact, VolumeFact, distance_of_tries,
};
pub use responder::{ResponderFact, ServedPorts};
pub use signaling::{EngineEnd, EngineFact, EnginePollsFact, EngineTransport, SocketEnd, SocketFact};
pub use size::SizeFact;
pub use trace::{COMPARED_CONNECT_TRACE, CONNECT_TRACE, Cargo, ConnectTraceFact, Hop, OWN_SIDE_TRACE, RELAY_TRACE, TraceFact};
pub use turn::{
    AllocationFact, ChallengeFact, ChannelFact, PeerKind, PermissionFact, RedirectEnd, RedirectFact, ReleaseFact,
    SHORTEST_NONCE_LIFE_MS,
};

/// One thing that was seen, with its name and its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// A name within the report, `o17`, which findings cite.
    pub id: String,
    /// The short name of the probe that saw it.
    pub probe: String,
    /// What was probed: `udp 203.0.113.10:3478`, a host name, an address family.
    pub target: String,
    /// When it was known, in milliseconds since `started_at`.
    pub at_ms: u64,
    /// What was seen.
    pub fact: Fact,
}

impl Observation {
    /// The endpoint that was probed, where the target is one.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.target.parse().ok()
    }

    /// Whether it tells of a server in question, the way that a call would go: not of a control, nor of the sockets that stand for a peer or
    /// try the NAT, nor of a single port of a range or a responder, and through no proxy.
    #[must_use]
    pub fn is_of_server(&self) -> bool {
        let others = ["control", "nat-"];
        !others.iter().any(|prefix| self.probe.starts_with(prefix))
            && !matches!(
                self.probe.as_str(),
                "binding-outside" | AGAIN | STILL_THERE | "port" | "responder" | RELAY_TRACE | CONNECT_TRACE
            )
            && !self.probe.ends_with(THROUGH_PROXY)
    }
}

/// The probe of a second request on a flow whose first one was answered.
pub const AGAIN: &str = "binding-again";

/// The probe of one that has answered, at the end of a run.
pub const STILL_THERE: &str = "still-there";

/// The kinds of things that are seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fact {
    /// What the credentials look like, without what they say.
    Credentials(CredentialsFact),
    /// What a browser makes of an entry of the list.
    ListEntry(ListEntryFact),
    /// What the resolver says of a name.
    Name(NameFact),
    /// Whether this host can send to an address.
    Route(RouteFact),
    /// How a TCP connection attempt ended, or the first message of DTLS.
    Connect(ConnectFact),
    /// How a handshake of TLS or DTLS ended and what the server presented.
    Handshake(HandshakeFact),
    /// What a port speaks that was mute to what belongs there.
    Instead(InsteadFact),
    /// A STUN Binding (B-udp, B-tcp, B-tls, B-dtls).
    Binding(BindingFact),
    /// An Allocate without credentials (A0).
    Challenge(ChallengeFact),
    /// An Allocate with credentials (A1).
    Allocation(AllocationFact),
    /// A redirection that was followed or given up.
    Redirect(RedirectFact),
    /// A `CreatePermission` (CP).
    Permission(PermissionFact),
    /// A datagram from outside to a relayed address (IN, IN-alt, and IN again after OUT).
    Inbound(InboundFact),
    /// A datagram through the relay to the outside (OUT).
    Outbound(OutboundFact),
    /// A `ChannelBind` and data over the channel.
    Channel(ChannelFact),
    /// A datagram from a relayed address to itself (RR).
    SelfPair(SelfPairFact),
    /// A paced stream through the relay.
    Stream(StreamFact),
    /// Some tens of kilobytes over a connection.
    Volume(VolumeFact),
    /// Requests in packets of many sizes.
    Size(SizeFact),
    /// Paced Binding requests on the control path.
    Loss(LossFact),
    /// What is known of each port of a range.
    Ports(PortsFact),
    /// A TCP connection or a datagram to a single port.
    PortReply(PortReplyFact),
    /// The control exchange with a responder on the server's host.
    Responder(ResponderFact),
    /// The end of an allocation (Refresh with LIFETIME 0).
    Release(ReleaseFact),
    /// A control: what this network does to hosts that have nothing to do with the server.
    Control(ControlFact),
    /// How far datagrams come on their way (TR).
    Trace(TraceFact),
    /// How far connections come on their way (CT).
    ConnectTrace(ConnectTraceFact),
    /// An HTTP CONNECT through a proxy of the environment.
    Proxy(ProxyFact),
    /// What answered on one of the web's ports of a server.
    Web(WebFact),
    /// The time that another host says it is.
    Clock(ClockFact),
    /// The address outside of a socket that tries the NAT.
    Mapping(MappingFact),
    /// Whether a datagram from outside comes in to such a socket.
    Filtering(FilteringFact),
    /// A datagram from one socket to the address outside of another.
    Hairpin(HairpinFact),
    /// Whether a mapping outlived an idle time.
    Lifetime(LifetimeFact),
    /// The allocation from which the NAT was to be tried.
    NatRelay(NatRelayFact),
    /// The signaling of an attempt to call.
    Exchange(ExchangeFact),
    /// A peer of an attempt to call.
    Peer(PeerFact),
    /// An Engine.IO handshake with the gateway of the signaling.
    Engine(EngineFact),
    /// Further requests of one Engine.IO session over new connections.
    EnginePolls(EnginePollsFact),
    /// Whether the gateway let a peer in.
    Socket(SocketFact),
}
