//! The relay's data path.

use super::super::reading::Manner::{
    Block, Different, OneEnd, OneWay, Other, Refused, Scattered, ScatteredRefused, Several, Shared, Split, UnderLoad,
};
use super::super::reading::What::{
    Checks, HearsHighPorts, In, InAgain, InAlt, KnownPublic, MediaClean, Out, OwnAddress, OwnPort, PermitsCaller, PermitsItself,
    Ports, SendsAsItself, Steady, Stream, Throughout, ToItself,
};
use super::super::row::{At, Cause, Effect, all, row};
use crate::model::cause::Group;

/// The causes.
pub const CAUSES: &[Cause] = &[
    Cause {
        id: "external-ip-missing",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[row(At::Relay, 2.0, &[all(KnownPublic)]).may(&[
            all(In),
            all(InAgain),
            all(OwnAddress),
            all(PermitsItself),
            all(ToItself),
            all(Out),
        ])],
    },
    Cause {
        id: "external-ip-mismatch",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[row(At::Relay, 2.0, &[all(OwnAddress), all(In), all(InAgain)])
            .needs(&[all(InAlt).if_asked()])
            .shows(&[all(OwnAddress).asked()])
            .may(&[all(ToItself), all(Out)])
            .sure(&[InAlt])],
    },
    Cause {
        id: "external-ip-suspect",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[
            row(At::Relay, 3.4, &[all(OwnAddress), all(In), all(InAlt)])
                .shows(&[all(OwnAddress).asked()])
                .may(&[all(InAgain), all(ToItself), all(Out)])
                .manner("silent"),
            row(At::Relay, 2.6, &[all(OwnAddress).as_(&[Other])])
                .may(&[all(In), all(InAlt), all(InAgain), all(ToItself), all(Out)])
                .manner("family"),
            row(At::Relay, 2.6, &[all(OwnAddress).as_(&[Different])]).effect(Effect::Warn).manner("untried"),
            // Asked over IPv6 a server has told no IPv4 address to compare with.
            row(At::Relay, 5.0, &[all(OwnAddress), all(In), all(InAlt)])
                .needs(&[all(PermitsCaller).asked()])
                .may(&[all(InAgain), all(ToItself), all(Out)])
                .inferred()
                .manner("family"),
        ],
    },
    Cause {
        id: SEVERAL_ADDRESSES,
        group: Group::Relay,
        effect: Effect::Harmless,
        rows: &[
            row(At::Relay, 0.2, &[all(OwnAddress).as_(&[Different])]).needs(&[all(In).asked()]),
            row(At::Relay, 3.0, &[all(OwnAddress).as_(&[Different])]),
        ],
    },
    Cause {
        id: "relay-answers-from-elsewhere",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[row(At::Relay, 1.0, &[all(SendsAsItself)]).may(&[all(OwnAddress).as_(&[Different])])],
    },
    Cause {
        id: "relay-nat-remaps-ports",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[
            row(At::Relay, 1.0, &[all(OwnPort).as_(&[Different]), all(In)])
                .shows(&[all(OwnPort).as_(&[Different]).asked()])
                .may(&[all(InAgain), all(InAlt), all(Out), all(ToItself)]),
            row(At::Relay, 1.0, &[all(OwnPort).as_(&[Several])]).may(&[all(Ports)]).effect(Effect::Degrade),
            // Nobody has seen from which port it sends.
            row(At::Relay, 6.0, &[all(OwnPort), all(In), all(InAgain), all(InAlt)])
                .needs(&[all(PermitsCaller).asked()])
                .may(&[all(Out), all(ToItself)])
                .inferred(),
        ],
    },
    Cause {
        id: "relay-ports-closed",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[
            row(At::Relay, 3.0, &[all(In), all(InAlt), all(InAgain)]).may(&[all(ToItself)]).sure(&[InAgain, Out, Throughout]),
            row(At::Relay, 3.8, &[all(In), all(InAlt), all(InAgain), all(Out)])
                .shows(&[all(Out).asked()])
                .may(&[all(ToItself)])
                .sure(&[InAgain, Out, Throughout]),
        ],
    },
    Cause {
        id: "relay-ip-unusable",
        group: Group::Relay,
        effect: Effect::Fail,
        // A firewall that rejects what comes in lets out what the relay sends.
        rows: &[row(At::Relay, 2.6, &[all(In).as_(&[Refused]), all(Out)])
            .shows(&[all(In).as_(&[Refused]).asked(), all(Out).asked()])
            .may(&[all(InAlt), all(InAgain), all(ToItself)])
            .inferred()],
    },
    Cause {
        id: "relay-egress-blocked",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[
            // What comes in shows the way back, and what it sends to itself that it gets what it is to send.
            row(At::Relay, 3.5, &[all(Out)])
                .needs(&[all(In).asked(), all(ToItself).asked()])
                .may(&[all(Stream)])
                .sure(&[HearsHighPorts]),
            row(At::Relay, 3.5, &[all(Out)]).may(&[all(ToItself), all(Stream)]).inferred(),
        ],
    },
    Cause {
        id: "relay-ports-stateful-only",
        group: Group::Relay,
        effect: Effect::Degrade,
        rows: &[
            row(At::Relay, 3.2, &[all(In), all(InAlt)]).may(&[all(ToItself), all(Stream), all(Checks)]),
            // What the relay has sent may have opened the firewall for another address than the one that was heard next.
            row(At::Relay, 4.6, &[all(In), all(InAlt)]).shows(&[all(InAgain).as_(&[Different]).asked()]).may(&[
                all(InAgain).as_(&[Different]),
                all(ToItself),
                all(Stream),
                all(Checks),
            ]),
        ],
    },
    Cause {
        id: "relay-range-mismatch",
        group: Group::Relay,
        effect: Effect::Degrade,
        rows: &[
            row(At::Relay, 2.0, &[all(Ports).as_(&[Split, OneWay])]).may(&[
                all(InAgain),
                all(ToItself),
                all(Checks),
                all(MediaClean),
            ]),
            // One port beyond the edge looks like one that is closed by itself.
            row(At::Relay, 3.2, &[all(Ports).as_(&[OneEnd])]).may(&[all(InAgain), all(ToItself), all(Checks), all(MediaClean)]),
            // Of few ports all may lie beyond what is open.
            row(At::Relay, 4.5, &[all(In), all(InAlt), all(InAgain), all(Ports), all(Throughout)])
                .may(&[all(ToItself), all(Checks), all(MediaClean)])
                .inferred(),
        ],
    },
    Cause {
        id: "relay-ports-partly-closed",
        group: Group::Relay,
        effect: Effect::Degrade,
        rows: &[
            row(At::Relay, 2.0, &[all(Ports).as_(&[Scattered, Block, OneEnd])]).may(&[
                all(InAgain),
                all(ToItself),
                all(Checks),
                all(MediaClean),
            ]),
            row(At::Relay, 3.5, &[all(Ports).as_(&[ScatteredRefused])]).may(&[
                all(InAgain),
                all(ToItself),
                all(Checks),
                all(MediaClean),
            ]),
            row(At::Relay, 3.0, &[all(Ports).as_(&[OneWay])]).may(&[all(InAgain), all(ToItself), all(Checks), all(MediaClean)]),
        ],
    },
    Cause {
        id: "several-servers-behind-one-address",
        group: Group::Relay,
        effect: Effect::Fail,
        rows: &[
            row(At::Relay, 2.0, &[all(Ports).as_(&[ScatteredRefused])])
                .may(&[all(InAgain), all(In), all(Steady), all(OwnPort).as_(&[Shared, Several])])
                .effect(Effect::Degrade),
            // Of one server no two allocations have the same port, unless all have.
            row(At::Relay, 1.5, &[all(OwnPort).as_(&[Scattered])])
                .may(&[all(Ports), all(InAgain), all(In), all(Steady)])
                .inferred()
                .effect(Effect::Degrade),
            // A firewall there keeps the refusals back.
            row(At::Relay, 4.0, &[all(Ports).as_(&[Scattered, Block, OneWay, OneEnd])])
                .may(&[all(InAgain), all(In), all(Steady), all(OwnPort).as_(&[Shared, Several])])
                .inferred()
                .effect(Effect::Degrade),
            // Few ports may all be those of servers that the address doesn't lead to.
            row(At::Relay, 4.5, &[all(In), all(InAlt), all(InAgain), all(Ports), all(Throughout)])
                .may(&[all(ToItself), all(Steady), all(OwnPort).as_(&[Shared, Several])])
                .inferred()
                .effect(Effect::Degrade),
        ],
    },
    Cause {
        id: "relay-lossy",
        group: Group::Relay,
        effect: Effect::Degrade,
        rows: &[row(At::Relay, 3.2, &[all(Stream)]).may(&[all(Ports), all(MediaClean)]).sure(&[Out, In])],
    },
    Cause {
        id: "relay-throttled",
        group: Group::Relay,
        effect: Effect::Degrade,
        rows: &[row(At::Relay, 1.5, &[all(Stream).as_(&[UnderLoad])]).inferred()],
    },
    Cause {
        id: "relay-to-relay-blocked",
        group: Group::Relay,
        effect: Effect::Degrade,
        rows: &[row(At::Relay, 3.0, &[all(ToItself)])
            .needs(&[all(In).if_asked()])
            .may(&[all(Checks), all(MediaClean)])
            .inferred()],
    },
    Cause {
        id: "relay-multiplexed",
        group: Group::Relay,
        effect: Effect::Warn,
        rows: &[
            row(At::Relay, 1.0, &[all(OwnPort).as_(&[Shared])]).needs(&[all(Ports).if_asked()]),
            row(At::Relay, 3.0, &[all(OwnPort).as_(&[Scattered])]).needs(&[all(Ports).if_asked()]).inferred(),
        ],
    },
];

/// That a server relays from a further address of its own is no fault.
pub const SEVERAL_ADDRESSES: &str = "several-relay-addresses";
