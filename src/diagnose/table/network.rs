//! This host and the network that it stands in: what they hold back, whichever server is asked.

use super::super::reading::Manner::{
    Behind, Block, Dead, Denied, Http, Missing, OneEnd, OneWay, Other, Rejected, RejectedHere, Same, Scattered, Several, Shared,
    Split,
};
use super::super::reading::What::{
    Alive, Binding, CertChain, CertName, CertOwn, Channel, ChannelData, Checks, Clean, Dns, GathersRelay, Grant, HearsHighPorts,
    HighPort, Honest, In, InAgain, InAlt, InReaches, InStun, Listens, Mapped, Out, Outside, OwnAddress, PermitsCaller,
    PermitsItself, Ports, Proxy, Reach, Send, Size, SizeIn, Source, Speaks, Steady, StillThere, Stream, Stun, Tcp, Throughout,
    Tls, ToItself, Turn, Volume,
};
use super::super::row::{At, Cause, Effect, Pattern, all, row};
use crate::model::cause::Group;

/// The port that STUN and TURN have by default.
const STUN_PORT: u16 = 3478;

/// All that goes over UDP.
const UDP: &[Pattern] =
    &[all(Reach).datagrams(), all(Stun), all(Dns), all(In), all(InAgain), all(Out), all(HighPort), all(Clean), all(InReaches)];

/// The causes.
pub const CAUSES: &[Cause] = &[
    Cause {
        id: "local-firewall",
        group: Group::Reach,
        effect: Effect::Fail,
        rows: &[row(At::Host, 1.0, &[all(Send).as_(&[Denied])]).may(&[
            all(Reach),
            all(Stun),
            all(Dns),
            all(Tcp),
            all(In),
            all(InAgain),
            all(Out),
        ])],
    },
    Cause {
        id: "captive-portal",
        group: Group::Reach,
        effect: Effect::Fail,
        rows: &[
            row(At::Network, 2.0, &[all(Honest).as_(&[Http, Other]), all(Speaks).streams().as_(&[Http, Other])])
                .shows(&[all(Honest).asked()])
                .may(&[all(Reach).datagrams(), all(Stun), all(Dns), all(Tls).as_(&[Http, Other]), all(Listens)]),
            // Nobody has shown that this network lets its visitors through.
            row(At::Network, 4.6, &[all(Honest), all(Tls).as_(&[Http])]).may(&[
                all(Reach).datagrams(),
                all(Stun),
                all(Dns),
                all(Speaks).streams().as_(&[Http]),
            ]),
            row(At::Network, 4.6, &[all(Honest), all(Speaks).streams().as_(&[Http])]).may(&[
                all(Reach).datagrams(),
                all(Stun),
                all(Dns),
                all(Tls).as_(&[Http]),
            ]),
        ],
    },
    Cause {
        id: "proxy-only",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[
            row(At::Host, -1.0, &[all(Reach), all(Stun)])
                .needs(&[all(Proxy).asked()])
                .may(&[all(Dns), all(Tcp), all(Checks), all(GathersRelay)])
                .effect(Effect::DetourHere)
                .manner("works"),
            row(At::Host, -1.0, &[all(Reach), all(Stun)])
                .shows(&[all(Proxy).as_(&[Missing]).asked()])
                .may(&[all(Dns), all(Tcp), all(Checks), all(GathersRelay)])
                .manner("login-missing"),
            row(At::Host, -1.0, &[all(Reach), all(Stun)])
                .shows(&[all(Proxy).as_(&[Denied]).asked()])
                .may(&[all(Dns), all(Tcp), all(Checks), all(GathersRelay)])
                .manner("login-refused"),
            row(At::Host, -1.0, &[all(Reach), all(Stun)])
                .shows(&[all(Proxy).as_(&[Rejected]).asked()])
                .may(&[all(Dns), all(Tcp), all(Checks), all(GathersRelay)])
                .manner("forbidden"),
            row(At::Host, 1.0, &[all(Reach), all(Stun)])
                .shows(&[all(Proxy).as_(&[Dead, Other]).asked()])
                .may(&[all(Dns), all(Tcp), all(Checks), all(GathersRelay)])
                .manner("unreached"),
        ],
    },
    Cause {
        id: "network-without-ipv6",
        group: Group::Reach,
        effect: Effect::Warn,
        rows: &[row(At::Network6, 2.0, &[all(Reach), all(Stun)]).may(&[
            all(Dns),
            all(Tcp),
            all(In),
            all(InAgain),
            all(Out),
            all(HighPort),
            all(Alive),
        ])],
    },
    Cause {
        id: "network-blocks-udp",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[
            // Others that take connections are there, and datagrams alone get no answer, those that are no STUN too.
            row(At::Network, 3.0, UDP).needs(&[all(Tcp).asked()]).may(&[all(InAlt)]).sure(&[Dns]),
            row(At::Network, 3.0, UDP).may(&[all(InAlt)]).inferred(),
            row(At::Network, 3.6, &[all(Reach).datagrams(), all(Stun), all(In), all(InAgain), all(InReaches)])
                .shows(&[all(In).asked()])
                .may(&[all(InAlt), all(Out), all(HighPort)])
                .inferred()
                .manner("all-but-dns"),
            row(At::Network, 3.4, &[all(Reach).datagrams(), all(Stun), all(Out)])
                .shows(&[all(Out).asked()])
                .may(&[all(Dns), all(HighPort), all(Clean), all(ToItself), all(InAgain), all(InStun), all(Stream)])
                .inferred()
                .manner("in"),
        ],
    },
    Cause {
        id: "network-blocks-stun",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[
            row(At::Network, 3.2, &[all(Reach).datagrams(), all(Stun), all(InStun)]).manner("content"),
            // By STUN's own port alone. So common a filter is as plausible where nobody else was asked at that port.
            row(At::Network, 3.4, &[all(Reach).datagrams().that_port_only(STUN_PORT), all(Stun).that_port_only(STUN_PORT)])
                .manner("port"),
            row(At::Network, 2.0, &[all(Reach).datagrams().that_port_only(STUN_PORT).as_(&[RejectedHere])])
                .may(&[all(Stun).that_port_only(STUN_PORT)])
                .manner("port"),
        ],
    },
    Cause {
        id: "network-blocks-port",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[
            row(At::Network, 3.4, &[all(Reach).datagrams().that_port_but(STUN_PORT), all(Stun).that_port()])
                .shows(&[all(Stun).that_port().if_asked()]),
            row(At::Network, 2.0, &[all(Reach).datagrams().that_port_but(STUN_PORT).as_(&[RejectedHere])])
                .may(&[all(Stun).that_port()]),
        ],
    },
    Cause {
        id: "network-allow-list",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[
            row(At::Network, 4.0, &[all(Reach), all(Stun), all(Dns), all(HighPort), all(Alive)])
                .may(&[all(Tcp), all(Listens), all(InAlt), all(InAgain), all(Out)])
                .inferred()
                .manner("hosts"),
            row(At::Network, 4.4, &[all(Reach).but_port(443), all(Stun), all(In), all(HighPort)])
                .may(&[all(Dns), all(Tcp), all(Alive), all(InAgain), all(Out)])
                .inferred()
                .manner("ports"),
            row(At::Network, 3.0, &[all(Reach).streams().as_(&[RejectedHere])])
                .may(&[all(Reach), all(Stun), all(Dns), all(Tcp)])
                .inferred()
                .manner("resets"),
            // What comes in from the ports of known services, and not from those of relays.
            row(At::Network, 4.8, &[all(Out), all(HearsHighPorts)])
                .may(&[all(Stun), all(InAgain), all(Stream)])
                .inferred()
                .manner("answers"),
            row(At::Network, 5.2, &[all(Ports).as_(&[Split, OneWay, OneEnd, Scattered, Block])])
                .may(&[all(InAgain)])
                .inferred()
                .manner("few-ports"),
        ],
    },
    Cause {
        id: "network-blocks-tcp-port",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[row(At::Network, 3.8, &[all(Reach).streams().that_port()])],
    },
    Cause {
        id: "relay-untestable-from-here",
        group: Group::Relay,
        effect: Effect::Warn,
        rows: &[
            row(At::Network, 4.6, &[all(In), all(InAgain), all(HighPort), all(InReaches)]).may(&[all(InAlt), all(Out)]),
            row(At::Network, 3.3, &[all(In), all(InAgain), all(Out), all(HighPort), all(InReaches)]).may(&[all(InAlt)]),
            row(At::Network, 4.4, &[all(In), all(InAgain), all(Out), all(InReaches)]).may(&[all(InAlt), all(HighPort)]),
            // A host to compare with is heard on STUN's own port, and on no other.
            row(At::Network, 6.0, &[all(In), all(InAgain), all(HighPort), all(InReaches), all(Stun).but_port(STUN_PORT)])
                .shows(&[all(Stun).but_port(STUN_PORT).asked()])
                .needs(&[all(Stun).port(STUN_PORT).asked()])
                .may(&[all(InAlt), all(Out)]),
        ],
    },
    Cause {
        id: VANTAGE,
        group: Group::Reach,
        effect: Effect::Open,
        rows: &[
            row(At::Server, 1.0, &[all(Outside).as_(&[Same])]).may(&[
                all(Reach),
                all(In),
                all(InAlt),
                all(InAgain),
                all(Out),
                all(ToItself),
                all(HighPort),
                all(Alive),
                all(Mapped),
                all(OwnAddress),
                all(Ports),
                all(Throughout),
            ]),
            // What answers at the own address outside, or refuses, may be the router and no server.
            row(At::Server, 1.0, &[all(Outside).as_(&[Behind])]).may(&[
                all(Reach),
                all(Listens),
                all(Speaks),
                all(Source),
                all(Tls),
                all(CertName),
                all(CertChain),
                all(In),
                all(InAlt),
                all(InAgain),
                all(Out),
                all(ToItself),
                all(HighPort),
                all(Alive),
                all(Mapped),
                all(OwnAddress),
                all(Clean),
                all(Stream),
                all(Ports),
                all(Throughout),
            ]),
        ],
    },
    Cause {
        id: DIED,
        group: Group::Reach,
        effect: Effect::Open,
        rows: &[row(At::Network, -2.0, &[all(StillThere)]).may(&[
            all(Reach),
            all(Listens),
            all(Tls),
            all(Speaks),
            all(Binding),
            all(Turn),
            all(Grant),
            all(Steady),
            all(In),
            all(InAlt),
            all(InAgain),
            all(Out),
            all(ToItself),
            all(Channel),
            all(ChannelData),
            all(PermitsCaller),
            all(PermitsItself),
            all(Clean),
            all(Size),
            all(SizeIn),
            all(Stream),
            all(Volume),
            all(Ports),
            all(Throughout),
            all(Stun),
            all(Dns),
            all(Tcp),
        ])],
    },
    Cause {
        id: DEAD_CONTROL,
        group: Group::Reach,
        effect: Effect::Harmless,
        rows: &[
            row(At::Control, 1.0, &[all(Stun), all(Dns), all(Tcp)]),
            // They were chosen by one hand, so that all of them may be wrong for one reason.
            row(At::Network, 3.8, &[all(Stun), all(Dns), all(Tcp)]),
            row(At::Control, 2.0, &[all(Stun)]).may(&[all(Dns), all(Tcp)]),
            row(At::Control, 1.2, &[all(Dns)]).may(&[all(Tcp), all(Stun)]),
            row(At::Control, 1.0, &[all(Tcp)]).may(&[all(Dns), all(Stun)]),
            row(At::Control, 1.0, &[all(Honest)]),
        ],
    },
    Cause {
        id: "tls-intercepted",
        group: Group::Reach,
        effect: Effect::DegradeHere,
        rows: &[
            row(At::Network, 0.5, &[all(CertChain).as_(&[Shared])]).may(&[all(Speaks).secure()]),
            row(At::Network, 1.5, &[all(CertChain).as_(&[Several])]).may(&[all(Speaks).secure()]),
            // Nobody elsewhere was asked for a certificate.
            row(At::Network, 4.3, &[all(CertChain), all(Honest)]),
            row(At::Network, 5.0, &[all(Speaks).secure(), all(CertOwn), all(Honest)]),
            // Where its root is installed here: behind the server's certificate there is no TURN, and all others have theirs from it as well.
            row(At::Network, 2.0, &[all(Speaks).secure()]).shows(&[all(CertOwn).asked()]),
        ],
    },
];

/// That one asks from inside the server's network is no fault: it only leaves the verdict open.
pub const VANTAGE: &str = "asked-from-inside";

/// That nothing answers any more at the end of a run is no fault of those that had answered.
pub const DIED: &str = "network-died";

/// That a host to compare with is dead is no fault of anybody's calls.
pub const DEAD_CONTROL: &str = "control-dead";
