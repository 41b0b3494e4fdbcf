//! Names and addresses.

use super::super::reading::Manner::{
    self, Dead, Http, Loopback, NoAddress, NotFound, Other, Private, SpeaksTls, Ssh, Unavailable, Unused,
};
use super::super::reading::What::{
    Alive, BrowserPort, Dns, HighPort, ListTaken, Listens, NameNear, Near, PublicName, Reach, Resolver, Resolves, Routed, Speaks,
    Tls, Unfronted,
};
use super::super::row::{At, Cause, Effect, Pattern, all, row};
use crate::model::cause::Group;

/// What other services answer.
const FOREIGN: &[Manner] = &[Http, SpeaksTls, Ssh, Other];

/// What is of no use because nobody is there.
const UNREACHED: &[Pattern] = &[all(Reach), all(Listens), all(Alive), all(HighPort)];

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "dns-unavailable",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[row(At::Host, 3.0, &[all(Resolves).as_(&[Unavailable]), all(Resolver)]).may(&[all(Dns)])],
    },
    Cause {
        id: "dns-not-found",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[
            row(At::Name, 1.0, &[all(Resolves).as_(&[NotFound])]).manner("not-found"),
            row(At::Name, 1.0, &[all(Resolves).as_(&[NoAddress])]).manner("no-address"),
            // Browsers ask for no service records.
            row(At::Name, 1.0, &[all(Resolves).as_(&[Dead])]).effect(Effect::Warn).manner("record"),
        ],
    },
    Cause {
        id: "ipv6-only-network",
        group: Group::Names,
        effect: Effect::Degrade,
        rows: &[row(At::List, 1.0, &[all(PublicName).as_(&[Unused])]).may(&[all(Routed)])],
    },
    Cause {
        id: "list-refused-by-browsers",
        group: Group::Names,
        effect: Effect::FailAll,
        rows: &[row(At::List, 1.0, &[all(ListTaken)])],
    },
    Cause {
        id: "list-points-at-localhost",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[row(At::Server, 2.0, &[all(PublicName).as_(&[Loopback])]).may(UNREACHED)],
    },
    Cause {
        id: "list-names-private-address",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[row(At::Server, 2.9, &[all(Reach)]).shows(&[all(Near).asked()]).may(&[all(Alive), all(HighPort)]).inferred()],
    },
    Cause {
        id: "name-has-private-address",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 2.0, &[all(PublicName).as_(&[Private])]).may(UNREACHED),
            row(At::Server, 2.7, &[all(Reach)]).shows(&[all(NameNear).asked()]).may(&[all(Alive), all(HighPort)]).inferred(),
        ],
    },
    Cause { id: "no-route", group: Group::Reach, effect: Effect::Fail, rows: &[row(At::Server, 1.0, &[all(Routed)])] },
    Cause {
        id: "port-refused-by-browsers",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.0, &[all(BrowserPort)])],
    },
    Cause {
        id: "ipv6-address-dead",
        group: Group::Names,
        effect: Effect::Degrade,
        rows: &[
            row(At::Server6, 1.0, &[all(Reach)]),
            row(At::Server6, 1.0, &[all(Listens)]).shows(&[all(Listens).asked()]).may(&[all(Reach)]),
        ],
    },
    Cause {
        id: "stale-address-record",
        group: Group::Names,
        effect: Effect::Degrade,
        rows: &[
            row(At::Sibling, 1.0, &[all(Reach)]).inferred().manner("silent"),
            row(At::Sibling, 1.4, &[all(Listens)]).shows(&[all(Listens).asked()]).may(&[all(Reach)]).inferred().manner("refused"),
        ],
    },
    Cause {
        id: "stun-server-dead",
        group: Group::Names,
        effect: Effect::Warn,
        rows: &[
            row(At::StunService, 1.5, &[all(Reach)]).inferred().manner("silent"),
            row(At::StunService, 1.5, &[all(Listens)]).manner("refused"),
        ],
    },
    Cause {
        id: "proxy-in-front",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[row(At::Server, 1.0, &[all(Unfronted)]).may(&[all(Reach), all(Listens), all(Speaks), all(Tls)])],
    },
    Cause {
        id: "wrong-host",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 3.0, &[all(Speaks).as_(FOREIGN)]).may(&[all(Reach), all(Listens), all(Tls)]).manner("foreign"),
            row(At::Server, 4.1, &[all(Speaks)]).shows(&[all(Speaks).asked()]).may(&[all(Reach), all(Listens)]).manner("mute"),
            row(At::Server, 4.4, &[all(Reach)]).needs(&[all(Alive).if_asked()]).manner("silent"),
        ],
    },
];
