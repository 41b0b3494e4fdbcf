//! The way to a server, and whether something listens there.

use super::super::reading::Manner::{Closed, Rejected, RejectedHere, Silent, Stalls};
use super::super::reading::What::{
    Alive, EachTime, GatewayReach, HighPort, Listens, Reach, Speaks, Stream, Tls, ToItself, Volume,
};
use super::super::row::{At, Cause, Effect, all, row};
use crate::model::cause::Group;

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "turn-down",
        group: Group::Reach,
        effect: Effect::Fail,
        rows: &[
            // One stopped server refuses on all of its ports; that each was closed by itself is far less plausible.
            row(At::Server, 2.5, &[all(Listens)]).shows(&[all(Listens).udp().asked()]).manner("refused"),
            // Beside ports that refuse, one that is silent may have a server behind a firewall.
            row(At::Server, 3.0, &[all(Listens)]).shows(&[all(Listens).asked()]).may(&[all(Reach)]).inferred().manner("partly"),
            // A host that refuses over TCP tells of few refused datagrams a second, and others may have used those up.
            row(At::Server, 5.0, &[all(Listens), all(Reach).udp().as_(&[Silent])])
                .needs(&[all(Alive).asked()])
                .inferred()
                .manner("partly"),
            row(At::Server, 3.0, &[all(Reach)]).manner("silent"),
            row(At::Server, 4.2, &[all(Speaks).as_(&[Silent, Closed])])
                .shows(&[all(Speaks).as_(&[Silent, Closed]).asked()])
                .may(&[all(Reach), all(Tls).as_(&[Silent, Closed]), all(Listens)])
                .manner("mute"),
        ],
    },
    Cause {
        id: "server-address-blocked",
        group: Group::Reach,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 3.6, &[all(Reach), all(Alive), all(HighPort)]),
            row(At::Gateway, 3.6, &[all(GatewayReach).as_(&[Silent, Rejected])]),
            row(At::Server, 1.6, &[all(Reach)]).shows(&[all(Reach).streams().as_(&[RejectedHere]).asked()]).inferred(),
        ],
    },
    Cause {
        id: "turn-not-listening-udp",
        group: Group::Reach,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 3.0, &[all(Listens).udp()]),
            row(At::Service, 3.2, &[all(Listens).udp()]),
            // A host tells of few refusals a second, and others may have used them up.
            row(At::Service, 5.2, &[all(Reach).udp().as_(&[Silent])]).inferred().manner("silent"),
        ],
    },
    Cause {
        id: "turn-udp-closed",
        group: Group::Reach,
        effect: Effect::Fail,
        rows: &[row(At::Server, 3.0, &[all(Reach).udp()]), row(At::Service, 3.2, &[all(Reach).udp()])],
    },
    Cause {
        id: "turn-tcp-closed",
        group: Group::Reach,
        effect: Effect::Degrade,
        rows: &[
            row(At::Service, 3.2, &[all(Reach).tcp()]).manner("silent"),
            row(At::Service, 3.2, &[all(Listens).tcp()]).manner("refused"),
            row(At::Server, 3.6, &[all(Reach).streams()]).manner("silent"),
            row(At::Service, 3.6, &[all(Speaks).tcp().as_(&[Silent, Closed])]).inferred().manner("mute"),
        ],
    },
    Cause {
        id: "turn-tls-closed",
        group: Group::Reach,
        effect: Effect::Optional,
        rows: &[
            row(At::Service, 3.0, &[all(Reach).secure()]).manner("silent"),
            row(At::Service, 3.0, &[all(Listens).secure()]).manner("refused"),
        ],
    },
    Cause {
        id: "connections-partly-fail",
        group: Group::Reach,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 2.0, &[all(EachTime)]).inferred()],
    },
    Cause {
        id: "stream-cut",
        group: Group::Reach,
        effect: Effect::Degrade,
        rows: &[
            // Where one of several servers alone could be asked, what cuts connections is more often before that server.
            row(At::Network, 3.2, &[all(Volume).streams().as_(&[Stalls])]).may(&[all(Stream), all(ToItself)]),
            row(At::Server, 3.0, &[all(Volume).streams().as_(&[Stalls])]).may(&[all(Stream), all(ToItself)]),
            row(At::Service, 3.4, &[all(Volume).as_(&[Stalls])]).may(&[all(Stream)]),
        ],
    },
];
