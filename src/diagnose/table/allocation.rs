//! TURN allocation: what a server refuses to those whom it knows.

use super::super::reading::Manner::{Altered, Arrived, Code, Dead, Loop, Missing, OtherCode, Silent, Stale};
use super::super::reading::What::{
    Again, Binding, Channel, ChannelData, Clean, Grant, GrantTaken, PermitsCaller, PermitsItself, PermitsNamed, Reach, Speaks,
    Stays, Steady, Tls, ToItself, Turn,
};
use super::super::row::{At, Cause, Effect, Pattern, all, row};
use crate::model::cause::Group;

/// What stays without an answer over UDP when only some answers arrive.
const UNANSWERED: &[Pattern] =
    &[all(Grant).udp().as_(&[Silent]), all(Turn).udp(), all(Binding).udp(), all(Steady).as_(&[Silent]), all(Clean)];

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "redirect-loop",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.0, &[all(Stays).as_(&[Loop])]).may(&[all(Grant), all(Turn)])],
    },
    Cause {
        id: "redirect-dead",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.0, &[all(Stays).as_(&[Dead])]).may(&[all(Grant), all(Turn)])],
    },
    Cause {
        id: "redirected",
        group: Group::Allocation,
        effect: Effect::Warn,
        rows: &[row(At::Service, 1.0, &[all(Stays).as_(&[Arrived])]).may(&[all(Grant), all(Turn)])],
    },
    Cause {
        id: "server-draining",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.5, &[all(Grant).as_(&[Code(403)])])],
    },
    Cause {
        id: "quota-reached",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.5, &[all(Grant).as_(&[Code(486)])]).may(&[all(Steady)])],
    },
    Cause {
        id: "relay-ports-exhausted",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.5, &[all(Grant).as_(&[Code(508)])]).may(&[
            all(Steady),
            all(Speaks),
            all(Reach),
            all(Tls).as_(&[Silent]),
            all(Clean),
            all(Turn),
            all(Binding),
        ])],
    },
    Cause {
        id: "allocations-too-few",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 2.0, &[all(Steady).as_(&[Code(486)])])
                .may(&[all(Grant).as_(&[Code(486)])])
                .inferred()
                .manner("quota"),
            row(At::Server, 2.0, &[all(Steady).as_(&[Code(508)])])
                .may(&[all(Grant).as_(&[Code(508)])])
                // Those that ran before may hold the others yet.
                .effect(Effect::Warn)
                .inferred()
                .manner("ports"),
        ],
    },
    Cause {
        id: "turn-udp-answers-lost",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[
            // The first answer of a flow arrives, and no later one.
            row(At::Server, 1.0, &[all(Grant).udp().as_(&[Silent])])
                .shows(&[all(Again).udp().asked()])
                .may(UNANSWERED)
                .inferred()
                .manner("later"),
            row(At::Server, 1.0, &[all(Turn).udp()])
                .shows(&[all(Again).udp().asked()])
                .may(UNANSWERED)
                .inferred()
                .manner("later"),
            // Bindings are answered however often, and a stream is granted what datagrams are not.
            row(At::Server, 1.5, &[all(Grant).udp().as_(&[Silent])])
                .needs(&[all(Again).udp().asked(), all(Grant).streams().asked()])
                .may(UNANSWERED)
                .inferred()
                .manner("allocate"),
            row(At::Server, 1.5, &[all(Turn).udp()])
                .needs(&[all(Again).udp().asked(), all(Turn).streams().asked()])
                .may(UNANSWERED)
                .inferred()
                .manner("allocate"),
        ],
    },
    Cause {
        id: "relay-transport-refused",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.5, &[all(Grant).as_(&[Code(442)])])],
    },
    Cause {
        id: "address-family-refused",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.5, &[all(Grant).as_(&[Code(440), Code(443)])])],
    },
    Cause {
        id: "allocation-refused-by-browsers",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[
            row(At::Service, 1.0, &[all(GrantTaken).as_(&[Missing])]).manner("incomplete"),
            row(At::Service, 1.0, &[all(GrantTaken).as_(&[Stale])]).inferred().manner("stale"),
        ],
    },
    Cause {
        id: "requests-limited",
        group: Group::Allocation,
        effect: Effect::Degrade,
        rows: &[row(At::Server, 2.5, &[all(Steady).as_(&[Silent])]).inferred()],
    },
    Cause {
        id: "peer-denied",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[
            row(At::Relay, 1.0, &[all(PermitsCaller).as_(&[Code(403)])]).may(&[all(PermitsItself)]),
            row(At::Relay, 1.5, &[all(PermitsCaller).as_(&[OtherCode])]).may(&[all(PermitsItself)]).inferred(),
        ],
    },
    Cause {
        id: "named-peer-denied",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Relay, 1.0, &[all(PermitsNamed)])],
    },
    Cause {
        id: "own-address-denied",
        group: Group::Allocation,
        effect: Effect::Fail,
        rows: &[row(At::Relay, 1.0, &[all(PermitsItself)]).may(&[all(ToItself)])],
    },
    Cause {
        id: "channel-refused",
        group: Group::Allocation,
        effect: Effect::Degrade,
        rows: &[row(At::Relay, 1.0, &[all(Channel)])],
    },
    Cause {
        id: "channel-data-dropped",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.5, &[all(ChannelData).as_(&[Silent])])],
    },
    Cause {
        id: "channel-data-altered",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.0, &[all(ChannelData).as_(&[Altered])])],
    },
];
