//! TLS and its certificates.

use super::super::reading::Manner::{
    Alert, AsksCertificate, BehindHeader, ChainIncomplete, Closed, Expired, Failed, Http, Missing, NotYetValid, Off, Other,
    Plain, Several, Silent, Ssh, TooOld, UntrustedIssuer,
};
use super::super::reading::What::{
    Binding, CertChain, CertLasts, CertName, CertTime, Clock, Grant, Login, OwnStampValid, Speaks, StampValid, Tls, Turn,
};
use super::super::row::{At, Cause, Effect, all, row};
use crate::model::cause::Group;

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "clock-skew",
        group: Group::Authentication,
        effect: Effect::Fail,
        rows: &[
            // Nobody has told what time it is.
            row(At::Host, 3.0, &[all(CertTime).as_(&[Expired, NotYetValid]), all(Clock)])
                .effect(Effect::Degrade)
                .manner("certificate"),
            row(At::Host, 1.0, &[all(CertTime).as_(&[Off])])
                .shows(&[all(Clock).asked()])
                .effect(Effect::Degrade)
                .manner("certificate"),
            row(At::Host, 1.5, &[all(Login)])
                .shows(&[all(Clock).asked(), all(StampValid).as_(&[Off]).asked()])
                .manner("credentials"),
            row(At::Host, 1.5, &[all(Login)])
                .shows(&[all(Clock).asked(), all(OwnStampValid).as_(&[Off]).asked()])
                .manner("credentials"),
            // Nobody has told the server's time.
            row(At::List, 5.5, &[all(Login)]).needs(&[all(StampValid).asked()]).manner("credentials"),
            row(At::Server, 5.5, &[all(Login)]).needs(&[all(OwnStampValid).asked()]).manner("credentials"),
        ],
    },
    Cause {
        id: "tls-protocol-too-old",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 1.0, &[all(Tls).as_(&[TooOld])])],
    },
    Cause {
        id: "tls-handshake-failed",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[
            row(At::Service, 1.0, &[all(Tls).as_(&[Alert, Failed])]),
            row(At::Service, 3.0, &[all(Tls).as_(&[Closed, Silent, Plain])]).sure(&[Grant]).inferred(),
        ],
    },
    Cause {
        id: "tls-client-certificate-required",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[
            row(At::Service, 1.0, &[all(Tls).as_(&[AsksCertificate])]),
            row(At::Service, 1.0, &[all(Speaks).as_(&[AsksCertificate])]),
        ],
    },
    Cause {
        id: "tls-expects-proxy-header",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 1.0, &[all(Tls).as_(&[BehindHeader])])],
    },
    Cause {
        id: "tcp-expects-proxy-header",
        group: Group::Reach,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 1.0, &[all(Speaks).tcp().as_(&[BehindHeader])])],
    },
    Cause {
        id: "tls-port-speaks-plain",
        group: Group::Tls,
        effect: Effect::Degrade,
        // coturn takes both on one port: a filter that cuts TLS looks the same.
        rows: &[row(At::Service, 1.0, &[all(Tls).as_(&[Plain])]).inferred()],
    },
    Cause {
        id: "tls-certificate-expired",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 1.0, &[all(CertTime).as_(&[Expired])])],
    },
    Cause {
        id: "tls-certificate-not-yet-valid",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 1.0, &[all(CertTime).as_(&[NotYetValid])])],
    },
    Cause {
        id: "tls-name-mismatch",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[row(At::Service, 1.0, &[all(CertName)])],
    },
    Cause {
        id: "tls-chain-incomplete",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[
            row(At::Service, 1.0, &[all(CertChain).as_(&[ChainIncomplete])]),
            row(At::Service, 3.0, &[all(CertChain).as_(&[Missing])]),
        ],
    },
    Cause {
        id: "tls-untrusted-issuer",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[
            row(At::Service, 1.0, &[all(CertChain).as_(&[UntrustedIssuer, Missing])]),
            row(At::Service, 3.0, &[all(CertChain).as_(&[ChainIncomplete])]),
            row(At::Service, 3.0, &[all(CertChain).as_(&[Several])]),
        ],
    },
    Cause {
        id: "tls-not-turn",
        group: Group::Tls,
        effect: Effect::Degrade,
        rows: &[
            row(At::Service, 3.0, &[all(Tls).as_(&[Http, Other, Ssh])]).manner("not-tls"),
            row(At::Service, 2.8, &[all(Speaks).secure().as_(&[Closed, Http, Ssh, Other])])
                .may(&[all(Binding), all(Turn)])
                .manner("inside"),
            row(At::Service, 2.8, &[all(Speaks).secure().as_(&[Silent])])
                .may(&[all(Binding), all(Turn)])
                .inferred()
                .manner("inside"),
        ],
    },
    Cause {
        id: "tls-certificate-expires-soon",
        group: Group::Tls,
        effect: Effect::Warn,
        rows: &[row(At::Service, 1.0, &[all(CertLasts)])],
    },
];
