//! Names and addresses.

use super::super::reading::Manner::{
    self, Http, Loopback, NoAddress, NotFound, Other, Private, SpeaksTls, Ssh, Unavailable, Unused,
};
use super::super::reading::What::{Alive, Dns, HighPort, Listens, PublicName, Reach, Resolver, Resolves, Speaks, Tls};
use super::super::row::{At, Cause, Effect, all, row};
use crate::model::cause::Group;

/// What other services answer.
const FOREIGN: &[Manner] = &[Http, SpeaksTls, Ssh, Other];

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
        ],
    },
    Cause {
        id: "ipv6-only-network",
        group: Group::Names,
        effect: Effect::Degrade,
        rows: &[row(At::List, 1.0, &[all(PublicName).as_(&[Unused])])],
    },
    Cause {
        id: "name-has-private-address",
        group: Group::Names,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 2.0, &[all(PublicName).as_(&[Loopback])])
                .may(&[all(Reach), all(Listens), all(Alive), all(HighPort)])
                .manner("loopback"),
            row(At::Server, 2.0, &[all(PublicName).as_(&[Private])])
                .may(&[all(Reach), all(Listens), all(Alive), all(HighPort)])
                .manner("private"),
        ],
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
