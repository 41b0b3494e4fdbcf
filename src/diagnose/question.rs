//! What is asked of a place.

use super::manner::in_kebab_case;

/// The questions, in the order of a call's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    // Names
    /// A name leads to addresses.
    Resolves,
    /// A resolver answers.
    Resolver,
    /// A name or the list leads to an address that others can reach.
    PublicName,
    /// A listed private address is of the network that this host is in.
    Near,
    /// Browsers take the list.
    ListTaken,
    /// A listed port is one that browsers take.
    BrowserPort,
    // Reach
    /// This host sends.
    Send,
    /// Anything comes back from the address, be it a refusal.
    Reach,
    /// Something listens.
    Listens,
    /// The address that was asked is the one that answers.
    Source,
    /// No network that passes pages alone stands at the address.
    Unfronted,
    // TLS
    /// The handshake completes.
    Tls,
    /// The certificate is within its dates.
    CertTime,
    /// The certificate is for the name that was asked.
    CertName,
    /// The chain leads to a root that is trusted.
    CertChain,
    /// The certificate stays valid for a while.
    CertLasts,
    /// The certificates are those that others see.
    CertOwn,
    // STUN and TURN
    /// Any message of STUN comes back.
    Speaks,
    /// Binding is answered.
    Binding,
    /// Allocate is answered.
    Turn,
    /// The server sees one flow as one.
    OneFlow,
    /// A second request on a flow is answered as the first one was.
    Again,
    /// Nobody is let in without a login.
    Asks,
    /// A challenge has a realm.
    Realm,
    /// A server's realm is the same on all its transports.
    OneRealm,
    /// The server answers there itself, and sends nobody elsewhere.
    Stays,
    // Login and grant
    /// The stamp of ephemeral credentials lies ahead.
    StampValid,
    /// The credentials last for a while.
    StampLasts,
    /// Credentials look as they should.
    WellFormed,
    /// What the credentials look like is known.
    LoginSeen,
    /// All servers of the list are given one login.
    OneLogin,
    /// A private address that a name leads to may be of this network.
    NameNear,
    /// This host has a route to the server.
    Routed,
    /// The stamp of the credentials for one server lies ahead.
    OwnStampValid,
    /// The credentials for one server look as they should.
    OwnWellFormed,
    /// This host's clock agrees with those of others.
    Clock,
    /// The credentials are accepted.
    Login,
    /// An allocation is given.
    Grant,
    /// Browsers take what is granted.
    GrantTaken,
    /// Every connection gets as far as the first of them.
    EachTime,
    /// Further allocations end like the first.
    Steady,
    // The relay
    /// The relayed address is a public one.
    KnownPublic,
    /// The relayed address is the one at which the server was reached.
    OwnAddress,
    /// What the relay sends comes from the relayed address.
    SendsAsItself,
    /// The relay has a port of its own for each allocation.
    OwnPort,
    /// So many ports were tried, and none was open, that they speak for all.
    Throughout,
    /// A permission for the caller's address is given.
    PermitsCaller,
    /// A permission for the relay's own address is given.
    PermitsItself,
    /// Permissions for the peers that the relay is for are given.
    PermitsNamed,
    /// A channel is given.
    Channel,
    /// What is sent over a channel arrives as it was sent.
    ChannelData,
    /// A datagram that nobody waits for arrives at the relayed address.
    In,
    /// One to the server's address and the relayed port arrives.
    InAlt,
    /// One to the relayed address arrives after the relay has sent out.
    InAgain,
    /// What is sent to the relayed address reaches that host, if only to be refused.
    InReaches,
    /// One with the bytes of STUN arrives.
    InStun,
    /// What the relay sends out arrives.
    Out,
    /// What the relay sends to itself arrives.
    ToItself,
    /// Every port of the relay that was tried lets datagrams in.
    Ports,
    // Other hosts
    /// A STUN server elsewhere answers.
    Stun,
    /// A resolver outside answers over UDP.
    Dns,
    /// A host elsewhere takes connections.
    Tcp,
    /// What speaks on another host's TLS port is TLS.
    Honest,
    /// A way out through a proxy of the environment works.
    Proxy,
    /// Names are translated for a network of IPv6 alone.
    Translates,
    /// An unused UDP port of the server is refused by it.
    HighPort,
    /// Another of the usual ports of the server reacts.
    Alive,
    /// Of those that have answered some answer at the end as well.
    StillThere,
    /// What comes from a high port gets into this network.
    HearsHighPorts,
    // The NAT of this network
    /// One address outside for all destinations.
    Mapping,
    /// An idle mapping lasts.
    Lasts,
    /// Datagrams to the own address outside come back.
    Hairpin,
    /// UDP and TCP leave from one address, which is this network's own.
    OneExit,
    /// The address that datagrams leave from is known.
    KnowsExit,
    /// What STUN carries arrives unaltered.
    Intact,
    /// The server sees the caller at a public address.
    Mapped,
    /// This host stands outside of the server's network.
    Outside,
    // Quality
    /// Requests to the server are answered.
    Clean,
    /// Packets of all sizes pass.
    Size,
    /// Packets of all sizes come in to the relay.
    SizeIn,
    /// A connection carries on after some kilobytes.
    Volume,
    /// A stream through the relay arrives.
    Stream,
    // Signaling
    /// The gateway's host is reached.
    GatewayReach,
    /// The gateway's certificate is trusted.
    GatewayTrust,
    /// An Engine.IO session is opened.
    Engine,
    /// A session is opened over WebSocket too.
    Websocket,
    /// Further requests find the session.
    Sticky,
    /// The answer may be read by the page's origin.
    Cors,
    /// The namespace exists.
    Namespace,
    /// The gateway lets a peer in.
    LetIn,
    /// The gateway does not refuse the call.
    Accepts,
    /// A connection to the gateway lasts as long as the call.
    SocketLasts,
    /// The offer arrives.
    Offer,
    /// The offer arrives as it was sent.
    OfferIntact,
    /// The answer arrives.
    Answer,
    /// The answer arrives as it was sent.
    AnswerIntact,
    /// The candidates of the caller arrive.
    CallerCandidates,
    /// The candidates of the callee arrive.
    CalleeCandidates,
    /// The call is not ended before its time.
    Unended,
    /// Events take no time that anybody notices.
    Prompt,
    // ICE, DTLS, media
    /// A peer has candidates.
    Gathers,
    /// A peer has a relay candidate where a TURN server is configured.
    GathersRelay,
    /// A peer has candidates that are no `.local` names.
    GathersAddresses,
    /// The policy leaves a peer candidates to use.
    Policy,
    /// A peer gets candidates of the other side.
    HasRemote,
    /// A peer with a relay candidate gets one of the other side too.
    HearsRelay,
    /// Checks are answered.
    Checks,
    /// The roles of both sides agree.
    Roles,
    /// Both sides name the same description.
    Ufrag,
    /// ICE keeps its path.
    PathLasts,
    /// ICE is connected soon.
    ConnectsSoon,
    /// A direct way exists beside the relay.
    Direct,
    /// DTLS completes.
    Dtls,
    /// Media arrives.
    Media,
    /// Media arrives whole.
    MediaClean,
}

impl What {
    /// The name that keys of sentences use: `own-address`.
    #[must_use]
    pub fn name(self) -> String {
        in_kebab_case(&format!("{self:?}"))
    }

    /// Whether it counts only when it holds: nobody has promised it, so that its absence needs no explanation.
    #[must_use]
    pub fn is_witness(self) -> bool {
        matches!(
            self,
            Self::Near
                | Self::Again
                | Self::StampValid
                | Self::WellFormed
                | Self::LoginSeen
                | Self::OneLogin
                | Self::NameNear
                | Self::OwnStampValid
                | Self::OwnWellFormed
                | Self::Clock
                | Self::InReaches
                | Self::InStun
                | Self::HighPort
                | Self::HearsHighPorts
                | Self::Alive
                | Self::Proxy
                | Self::Translates
                | Self::CertOwn
                | Self::KnowsExit
                | Self::HearsRelay
        )
    }

    /// Whether a call shows it of what lies below: a fault found there explains it, so that it is asked for a cause of its own last.
    #[must_use]
    pub fn is_symptom(self) -> bool {
        matches!(self, Self::Gathers | Self::GathersRelay | Self::Checks | Self::ConnectsSoon | Self::MediaClean)
    }

    /// Whether it is about what goes through a relay.
    #[must_use]
    pub fn is_of_relay(self) -> bool {
        matches!(
            self,
            Self::In | Self::InAlt | Self::InAgain | Self::InReaches | Self::InStun | Self::Out | Self::ToItself | Self::Ports
        )
    }
}
