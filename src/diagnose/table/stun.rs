//! STUN, the user's NAT, and how well packets go.

use super::super::reading::Manner::{
    Arrived, Block, Large, Loss, Private, Refused, Scattered, Several, Shared, Silent, Stalls, StallsAtOnce, Unheard, Unused,
};
use super::super::reading::What::{
    Again, Binding, Channel, ChannelData, Checks, Clean, Dtls, Grant, GrantTaken, Hairpin, In, InAgain, InAlt, Intact, KnowsExit,
    Lasts, Login, Mapped, Mapping, Media, MediaClean, OneExit, OneFlow, Out, PermitsCaller, PermitsItself, Ports, Reach, Size,
    SizeIn, Source, Speaks, Steady, Stream, Tls, ToItself, Turn, Volume,
};
use super::super::row::{At, Cause, Effect, Pattern, all, row};
use crate::model::cause::Group;

/// What a way that loses packets may break.
const LOST: &[Pattern] = &[
    all(Stream),
    all(ChannelData).as_(&[Silent]),
    all(ToItself),
    all(Steady),
    all(Volume),
    all(Speaks).as_(&[Silent]),
    all(Tls).as_(&[Silent]),
    all(Turn),
    all(Binding),
    all(MediaClean),
    all(Checks),
    all(Dtls).as_(&[Large, Silent, Stalls, Unused]),
    all(Media).as_(&[Silent, Unheard]),
];

/// What a connection that waits for lost packets may leave without an answer in time.
const WAITING: &[Pattern] = &[
    all(Stream),
    all(Volume).as_(&[Stalls]),
    all(Grant).streams().as_(&[Silent]),
    all(Turn).streams(),
    all(Binding).streams(),
    all(Steady).as_(&[Silent]),
    all(Ports).as_(&[Scattered, Block]),
];

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "reply-from-other-address",
        group: Group::Stun,
        effect: Effect::Fail,
        rows: &[
            row(At::Service, 1.0, &[all(Source)]),
            // A NAT here swallows an answer from another address.
            row(At::Service, 5.2, &[all(Reach).udp().as_(&[Silent])]),
            row(At::Server, 5.4, &[all(Reach).udp().as_(&[Silent])]),
        ],
    },
    Cause {
        id: "flow-not-kept",
        group: Group::Stun,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.0, &[all(OneFlow)]).may(&[
            all(Mapped),
            all(Binding).udp(),
            all(Turn).udp(),
            all(Again).udp(),
            all(Login).udp(),
            all(Grant).udp(),
            all(GrantTaken).udp(),
            all(Steady),
            all(Clean),
            all(PermitsCaller),
            all(PermitsItself),
            all(Channel),
            all(In),
            all(InAgain),
            all(Out),
            all(ToItself),
            all(Stream),
        ])],
    },
    Cause {
        id: "turn-disabled",
        group: Group::Stun,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.5, &[all(Turn)]).needs(&[all(Binding).if_asked()])],
    },
    Cause {
        id: "mapped-address-private",
        group: Group::Stun,
        effect: Effect::FailAll,
        rows: &[row(At::Server, 1.5, &[all(Mapped).as_(&[Private])]).inferred()],
    },
    Cause { id: "stun-rewritten", group: Group::Stun, effect: Effect::Degrade, rows: &[row(At::Network, 1.5, &[all(Intact)])] },
    Cause {
        id: "packet-loss",
        group: Group::Stun,
        effect: Effect::Degrade,
        rows: &[
            row(At::Network, 3.0, &[all(Clean).as_(&[Loss])]).may(LOST),
            row(At::Server, 3.2, &[all(Clean).as_(&[Loss])]).may(LOST),
            // Where nothing else was counted, the stream's loss may be that of the way.
            row(At::Server, 4.0, &[all(Stream), all(Clean)]).manner("streams"),
            row(At::Network, 2.2, &[all(Volume).as_(&[Loss])]).may(WAITING).manner("streams"),
            row(At::Server, 2.4, &[all(Volume).as_(&[Loss])]).may(WAITING).manner("streams"),
            // A connection that waits for what was lost stalls as well.
            row(At::Server, 5.6, &[all(Volume).as_(&[Stalls]), all(Clean)]).may(&[all(Stream)]).manner("streams"),
        ],
    },
    Cause {
        id: "mtu-blackhole",
        group: Group::Stun,
        effect: Effect::Degrade,
        rows: &[
            row(At::Server, 1.5, &[all(Size).as_(&[Large])])
                .may(&[all(Stream), all(Volume), all(Tls).as_(&[Silent])])
                .manner("size"),
            row(At::Relay, 1.5, &[all(SizeIn)]).may(&[all(Stream)]).manner("inward"),
            row(At::Service, 3.0, &[all(Volume).as_(&[StallsAtOnce])]).may(&[all(Stream)]).inferred().manner("stalls"),
            row(At::Call, 2.8, &[all(Dtls).as_(&[Large])]).manner("dtls"),
        ],
    },
    Cause {
        id: "stun-silent",
        group: Group::Stun,
        effect: Effect::Warn,
        rows: &[row(At::Service, 1.0, &[all(Binding).as_(&[Silent])]).needs(&[all(Turn).if_asked()])],
    },
    Cause {
        id: "stun-refused",
        group: Group::Stun,
        effect: Effect::Fail,
        rows: &[
            // An Allocate tells the mapped address as well.
            row(At::Service, 1.0, &[all(Binding).as_(&[Refused])]).needs(&[all(Turn).asked()]).effect(Effect::Warn),
            row(At::Service, 2.0, &[all(Binding).as_(&[Refused])]),
        ],
    },
    Cause {
        id: "nat-symmetric",
        group: Group::Stun,
        effect: Effect::DegradeHere,
        rows: &[row(At::Network, 1.5, &[all(Mapping)])],
    },
    Cause {
        id: "nat-short-binding",
        group: Group::Stun,
        effect: Effect::DegradeHere,
        rows: &[row(At::Network, 1.5, &[all(Lasts)])],
    },
    Cause { id: "nat-no-hairpin", group: Group::Stun, effect: Effect::Warn, rows: &[row(At::Network, 1.0, &[all(Hairpin)])] },
    Cause {
        id: "cgnat",
        group: Group::Stun,
        effect: Effect::Warn,
        rows: &[
            row(At::Network, 1.0, &[all(OneExit).as_(&[Several])]).manner("several"),
            row(At::Network, 1.0, &[all(OneExit).as_(&[Shared])]).manner("shared"),
            // The relay lets in the address that TCP leaves from, and nobody has told that of datagrams.
            row(At::Network, 4.0, &[all(In), all(InAgain), all(KnowsExit)])
                .needs(&[all(PermitsCaller).asked()])
                .may(&[all(Out), all(InAlt)])
                .manner("unknown"),
            row(At::Network, 1.0, &[all(OneExit).as_(&[Arrived])]).inferred().manner("router"),
        ],
    },
];
