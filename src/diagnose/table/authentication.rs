//! TURN authentication.

use super::super::reading::Manner::{Closed, Code, Different, Empty, Expired, Missing, OtherCode, Silent, Stale, Unusable};
use super::super::reading::What::{
    Asks, Binding, Grant, Login, LoginSeen, OneLogin, OneRealm, OwnStampValid, OwnWellFormed, Realm, StampLasts, StampValid,
    Steady, Turn, WellFormed,
};
use super::super::row::{At, Cause, Effect, all, row};
use crate::model::cause::Group;

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "realm-missing",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.0, &[all(Realm).as_(&[Missing])]).may(&[all(Login)])],
    },
    Cause {
        id: "realm-empty",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.0, &[all(Realm).as_(&[Empty])]).may(&[all(Login)])],
    },
    Cause {
        id: "credentials-expired",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[
            row(At::List, -0.5, &[all(Login)])
                .shows(&[all(StampValid).as_(&[Expired]).asked()])
                .may(&[all(Grant).as_(&[Code(400), Code(403)])]),
            row(At::Server, -0.5, &[all(Login)])
                .shows(&[all(OwnStampValid).as_(&[Expired]).asked()])
                .may(&[all(Grant).as_(&[Code(400), Code(403)])]),
        ],
    },
    Cause {
        id: "credentials-expire-soon",
        group: Group::Authentication,
        effect: Effect::Warn,
        rows: &[row(At::List, 1.0, &[all(StampLasts)]), row(At::Server, 1.0, &[all(StampLasts)])],
    },
    Cause {
        id: "credentials-malformed",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[
            row(At::List, -0.5, &[all(Login)])
                .shows(&[all(WellFormed).as_(&[Stale]).asked()])
                .may(&[all(Grant).as_(&[Code(400)])]),
            row(At::List, 2.4, &[all(Login)])
                .shows(&[all(WellFormed).as_(&[Different]).asked()])
                .may(&[all(Grant).as_(&[Code(400)])]),
            row(At::Server, -0.5, &[all(Login)])
                .shows(&[all(OwnWellFormed).as_(&[Stale]).asked()])
                .may(&[all(Grant).as_(&[Code(400)])]),
            row(At::Server, 2.4, &[all(Login)])
                .shows(&[all(OwnWellFormed).as_(&[Different]).asked()])
                .may(&[all(Grant).as_(&[Code(400)])]),
        ],
    },
    Cause {
        id: "credentials-rejected",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[
            row(At::List, 3.8, &[all(Login)])
                .needs(&[all(OneLogin).asked()])
                .may(&[all(Grant).as_(&[Code(400)])])
                .sure(&[LoginSeen]),
            row(At::Server, 3.2, &[all(Login)]).may(&[all(Grant).as_(&[Code(400)])]).sure(&[LoginSeen]),
            row(At::Server, 2.0, &[all(Grant).as_(&[Code(400)])]).sure(&[LoginSeen]),
            row(At::Service, 5.0, &[all(Login)]).inferred(),
        ],
    },
    Cause {
        id: "realm-mismatch",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.5, &[all(Grant).as_(&[Code(437)])])],
    },
    Cause {
        id: "nonce-loop",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[row(At::Service, 1.5, &[all(Grant).as_(&[Code(438)])])],
    },
    Cause {
        id: "allocation-refused",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 1.5, &[all(Grant).as_(&[OtherCode, Unusable])]),
            row(At::Server, 3.0, &[all(Grant).as_(&[Code(400)])]),
            row(At::Server, 4.0, &[all(Grant).as_(&[Silent, Closed])]).inferred(),
            // Over one transport the server answers Binding and stops there.
            row(At::Service, 3.5, &[all(Turn)]).needs(&[all(Binding).if_asked()]).inferred().manner("silent"),
        ],
    },
    Cause {
        id: "several-servers-on-a-port",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[
            row(At::Server, 2.5, &[all(Steady).as_(&[Code(401)]), all(OneRealm)]).may(&[all(Login)]),
            row(At::Server, 2.5, &[all(Steady).as_(&[Code(401)])]).may(&[all(Login)]),
            row(At::Server, 2.5, &[all(OneRealm)]).may(&[all(Login)]),
            row(At::Server, 4.0, &[all(Login)]).needs(&[all(Login).asked()]),
        ],
    },
    Cause {
        id: "turn-open-relay",
        group: Group::Authentication,
        effect: Effect::Warn,
        rows: &[row(At::Server, 1.0, &[all(Asks)])],
    },
];
