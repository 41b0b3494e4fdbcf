//! ICE, DTLS, media.

use super::super::reading::Manner::{
    Different, Empty, Failed, Heard, Jitter, Large, Loss, Missing, OneWay, Refused, Silent, Stale, Stalls, Survived, Unanswered,
    Unheard, Unused,
};
use super::super::reading::What::{
    Checks, Clean, ConnectsSoon, Direct, Dtls, Gathers, GathersAddresses, GathersRelay, HasRemote, HearsRelay, Lasts, Mapping,
    Media, MediaClean, PathLasts, Policy, Roles, Size, Ufrag,
};
use super::super::row::{At, Cause, Effect, all, row};
use crate::model::cause::Group;

/// The policy, which turns a server without a relay into a call without a path: it leads where it is at work.
pub const POLICY: &[Cause] = &[Cause {
    id: "ice-relay-forced-without-turn",
    group: Group::Call,
    effect: Effect::Fail,
    rows: &[
        row(At::Call, 1.0, &[all(Policy).as_(&[Missing])]).manner("none-configured"),
        row(At::Call, 1.0, &[all(Policy).as_(&[Different])]).manner("all-connects"),
        // What the other candidates would have led to was not tried.
        row(At::Call, 1.0, &[all(Policy).as_(&[Unused])]).sure(&[Direct]).manner("all-withheld"),
        // A server that says why it gives none comes first.
        row(At::Call, 1.0, &[all(Policy).as_(&[Refused])]).effect(Effect::Degrade).manner("refused"),
    ],
}];

/// The causes.
pub const CAUSES: &[Cause] = &[
    Cause {
        id: "ice-no-candidates",
        group: Group::Call,
        effect: Effect::Fail,
        rows: &[
            row(At::Call, 1.0, &[all(Gathers)]).may(&[all(GathersRelay)]).manner("none-gathered"),
            row(At::Call, 2.8, &[all(HasRemote).as_(&[Missing, Survived])]).manner("none-sent"),
            row(At::Call, 2.8, &[all(HasRemote).as_(&[Empty])]).manner("none-sent"),
        ],
    },
    Cause {
        id: "ice-no-relay-candidate",
        group: Group::Call,
        effect: Effect::Degrade,
        rows: &[
            row(At::Call, 1.0, &[all(GathersRelay).as_(&[Missing])]).effect(Effect::Fail).manner("relay-only"),
            row(At::Call, 1.0, &[all(GathersRelay).as_(&[Empty])]).manner("gathered"),
            // The other side brings none, although this one has one.
            row(At::Call, 3.8, &[all(Checks)]).shows(&[all(HearsRelay).asked()]).effect(Effect::Fail).manner("other-side"),
        ],
    },
    Cause {
        id: "ice-mdns-only",
        group: Group::Call,
        effect: Effect::Degrade,
        rows: &[
            row(At::Call, 1.0, &[all(GathersAddresses).as_(&[Missing])])
                .may(&[all(Checks)])
                .effect(Effect::Fail)
                .manner("failed"),
            row(At::Call, 1.0, &[all(GathersAddresses).as_(&[Survived])]).manner("connected"),
        ],
    },
    Cause {
        id: "ice-wrong-ufrag",
        group: Group::Call,
        effect: Effect::Fail,
        rows: &[
            row(At::Call, 1.0, &[all(Ufrag).as_(&[Refused, Stale, Different])]).may(&[all(Checks)]),
            row(At::Call, 1.0, &[all(Ufrag).as_(&[Survived])]).effect(Effect::Degrade),
            row(At::Call, 2.2, &[all(Checks).as_(&[Heard])]).inferred(),
        ],
    },
    Cause {
        id: "ice-role-conflict",
        group: Group::Call,
        effect: Effect::Fail,
        rows: &[row(At::Call, 1.0, &[all(Roles)]).may(&[all(Checks)])],
    },
    Cause {
        id: "ice-no-path",
        group: Group::Call,
        effect: Effect::Fail,
        // Which of the two networks leaves no path is not seen from the pairs.
        rows: &[
            row(At::Call, 2.0, &[all(Checks).as_(&[Silent, Unheard, Unanswered])]).sure(&[Mapping]),
            row(At::Call, 3.6, &[all(Checks).as_(&[Heard])]).inferred(),
        ],
    },
    Cause {
        id: "ice-path-lost",
        group: Group::Call,
        effect: Effect::Fail,
        // Whether an idle mapping lasts would tell.
        rows: &[row(At::Call, 1.5, &[all(PathLasts)]).sure(&[Lasts])],
    },
    Cause { id: "ice-slow", group: Group::Call, effect: Effect::Warn, rows: &[row(At::Call, 1.0, &[all(ConnectsSoon)])] },
    Cause {
        id: "ice-direct-impossible",
        group: Group::Call,
        effect: Effect::Warn,
        rows: &[row(At::Call, 1.0, &[all(Direct)]).sure(&[Mapping])],
    },
    Cause {
        id: "dtls-failed",
        group: Group::Call,
        effect: Effect::Fail,
        rows: &[
            row(At::Call, 1.0, &[all(Dtls).as_(&[Different])]).manner("fingerprint"),
            row(At::Call, 1.5, &[all(Dtls).as_(&[Failed])]).sure(&[Size]).manner("trouble"),
            row(At::Call, 2.0, &[all(Dtls).as_(&[Large])]).sure(&[Size]).manner("large"),
            row(At::Call, 1.5, &[all(Dtls).as_(&[Silent])]).sure(&[Size]).manner("silent"),
            row(At::Call, 1.5, &[all(Dtls).as_(&[Stalls])]).sure(&[Size]).manner("under-way"),
            row(At::Call, 1.5, &[all(Dtls).as_(&[Unused])]).sure(&[Size]).manner("not-begun"),
        ],
    },
    Cause {
        id: "media-none",
        group: Group::Call,
        effect: Effect::Fail,
        rows: &[
            row(At::Call, 1.0, &[all(Media).as_(&[Silent])]).manner("both"),
            row(At::Call, 2.0, &[all(Media).as_(&[Unheard])]).manner("alone"),
        ],
    },
    Cause {
        id: "media-one-way",
        group: Group::Call,
        effect: Effect::Fail,
        rows: &[
            row(At::Call, 1.0, &[all(Media).as_(&[OneWay])]).manner("both"),
            row(At::Call, 2.8, &[all(Media).as_(&[Unheard])]).manner("alone"),
            row(At::Call, 2.0, &[all(Media).as_(&[Missing])]).effect(Effect::Warn).manner("kind"),
        ],
    },
    Cause {
        id: NOT_SENT,
        group: Group::Call,
        effect: Effect::Harmless,
        rows: &[row(At::Call, 2.1, &[all(Media).as_(&[Missing])])],
    },
    Cause {
        id: "media-lossy",
        group: Group::Call,
        effect: Effect::Degrade,
        rows: &[
            row(At::Call, 1.5, &[all(MediaClean).as_(&[Loss])]).sure(&[Clean]).manner("loss"),
            row(At::Call, 1.5, &[all(MediaClean).as_(&[Jitter])]).sure(&[Clean]).manner("jitter"),
            // The other side's line is not measured from here.
            row(At::Call, 4.5, &[all(Dtls).as_(&[Large, Silent, Stalls, Unused])]).inferred().manner("path"),
            row(At::Call, 4.5, &[all(Media).as_(&[Unheard])]).inferred().manner("path"),
        ],
    },
];

/// What another program doesn't send is its own matter: a call without a camera, or one whose camera starts late.
pub const NOT_SENT: &str = "media-not-sent";
