//! Signaling: the gateway, and what it does with the messages of a call.

use super::super::reading::Manner::{
    self, Alert, Altered, ChainIncomplete, Closed, Code, Crossed, Dead, Denied, Different, Empty, Ended, EndedEarly, EndedLate,
    Expired, Failed, Http, Loss, Missing, NoRoute, NotYetValid, Older, Other, OtherCode, Page, Refused, Rejected, Silent,
    SpeaksTls, Ssh, Stalls, Survived, TooOld, Unanswered, Unheard, Untrusted, UntrustedIssuer, Unusable,
};
use super::super::reading::What::{
    self, Accepts, Answer, AnswerIntact, CalleeCandidates, CallerCandidates, Checks, Clean, ConnectsSoon, Cors, Dtls, Engine,
    GatewayReach, GatewayTrust, HasRemote, LetIn, Media, MediaClean, Namespace, Offer, OfferIntact, PathLasts, Prompt,
    SocketLasts, Sticky, Ufrag, Unended, Websocket,
};
use super::super::row::{At, Cause, Effect, Pattern, all, row};
use crate::model::cause::Group;

/// What something that is no web server answers.
const FOREIGN: &[Manner] = &[Http, SpeaksTls, Ssh, Other];

/// What is wrong with a certificate.
const CERTIFICATE: &[Manner] = &[Expired, NotYetValid, Different, UntrustedIssuer, ChainIncomplete, Untrusted];

pub const CAUSES: &[Cause] = &[
    Cause {
        id: "signaling-unreachable",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(GatewayReach).as_(&[Refused])]).manner("refused"),
            row(At::Gateway, 1.0, &[all(GatewayReach).as_(&[NoRoute])]).manner("no-route"),
            row(At::Gateway, 1.0, &[all(GatewayReach).as_(&[Denied])]).manner("denied"),
            // Silence may be the network's own.
            row(At::Gateway, 3.0, &[all(GatewayReach).as_(&[Rejected])]).sure(&[Engine]).manner("rejected"),
            row(At::Gateway, 3.0, &[all(GatewayReach).as_(&[Silent])]).sure(&[Engine]).manner("silent"),
            row(At::Gateway, 1.0, &[all(GatewayTrust).as_(CERTIFICATE)]).manner("certificate"),
            row(At::Gateway, 1.0, &[all(GatewayTrust).as_(&[Alert, TooOld, Closed, Silent, Failed])]).manner("handshake"),
            row(At::Gateway, 1.0, &[all(GatewayTrust).as_(FOREIGN)]).manner("not-tls"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Dead])]).manner("proxy"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Failed])]).manner("error"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Silent, Stalls])]).manner("hangs"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Closed])]).manner("closes"),
            row(At::Gateway, 1.0, &[all(Engine).as_(FOREIGN)]).manner("not-http"),
        ],
    },
    Cause {
        id: "signaling-wrong-path",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Different])]).manner("redirect"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Page])]).manner("page"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Missing])]).manner("status"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Unusable])]).manner("upgrade"),
            // Some proxies answer 403 to a path that they don't know.
            row(At::Gateway, 2.8, &[all(Engine).as_(&[Rejected])]).manner("status"),
        ],
    },
    Cause {
        id: "signaling-protocol-mismatch",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Older])]).manner("older"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Code(0)])]).manner("transport"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Code(5)])]).manner("version"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Code(1), Code(2), Code(3)])]).manner("error"),
        ],
    },
    Cause {
        id: "signaling-websocket-blocked",
        group: Group::Signaling,
        effect: Effect::Warn,
        rows: &[
            row(At::Gateway, 1.0, &[all(Websocket)]).needs(&[all(Engine).asked()]),
            // Users connect by WebSocket alone.
            row(At::Gateway, 1.2, &[all(Websocket)]).may(&[all(LetIn).as_(&[Closed, Failed, Silent])]).effect(Effect::Fail),
        ],
    },
    Cause {
        id: "signaling-not-sticky",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[row(At::Gateway, 1.0, &[all(Sticky)]).may(&[
            all(LetIn).as_(&[Closed, Failed, Silent]),
            all(SocketLasts),
            all(Offer),
            all(Answer),
            all(CallerCandidates),
            all(CalleeCandidates),
        ])],
    },
    Cause { id: "signaling-cors", group: Group::Signaling, effect: Effect::Warn, rows: &[row(At::Gateway, 1.0, &[all(Cors)])] },
    Cause {
        id: "signaling-namespace-refused",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[row(At::Gateway, 1.0, &[all(Namespace)])],
    },
    Cause {
        id: "signaling-auth-refused",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(LetIn).as_(&[Refused])]).manner("refused"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Code(4)])]).manner("forbidden"),
            row(At::Gateway, 1.0, &[all(Engine).as_(&[Denied])]).manner("status"),
            row(At::Gateway, 2.0, &[all(Engine).as_(&[Rejected])]).manner("status"),
            // An error of Engine.IO that its documentation does not have.
            row(At::Gateway, 3.0, &[all(Engine).as_(&[OtherCode])]).manner("forbidden"),
        ],
    },
    Cause {
        id: "signaling-login-silent",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(LetIn).as_(&[Closed])]).manner("closed"),
            // The answer may come later than anybody waits for it here.
            row(At::Gateway, 1.5, &[all(LetIn).as_(&[Silent])]).sure(&[Accepts]).manner("silent"),
            row(At::Gateway, 1.5, &[all(LetIn).as_(&[Failed])]).sure(&[Accepts]).manner("lost"),
        ],
    },
    Cause {
        id: "signaling-call-refused",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[row(At::Gateway, 1.0, &[all(Accepts)]).manner("refused")],
    },
    Cause {
        id: "receiver-offline",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(Offer).as_(&[Silent, Ended])]).manner("not-delivered"),
            row(At::Gateway, 1.5, &[all(Offer).as_(&[EndedEarly])]).manner("not-delivered"),
            row(At::Gateway, 1.9, &[all(Accepts).as_(&[Missing])]).manner("refused"),
            row(At::Gateway, 2.5, &[all(Answer).as_(&[Unanswered, EndedLate])]).manner("unanswered"),
            row(At::Gateway, 2.7, &[all(Answer).as_(&[EndedEarly])]).manner("unanswered"),
        ],
    },
    Cause {
        id: "no-answer-timeout",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(Answer).as_(&[Ended])]).manner("ended"),
            // The end may as well be the answer's fault: it came from the other side.
            row(At::Gateway, 1.5, &[all(Answer).as_(&[Crossed])]).sure(&[AnswerIntact]).manner("crossed"),
            row(At::Gateway, 2.6, &[all(Answer).as_(&[EndedEarly])]).manner("ended"),
            row(At::Gateway, 2.9, &[all(Answer).as_(&[EndedLate])]).manner("ended"),
            row(At::Gateway, 2.5, &[all(Offer).as_(&[EndedEarly])]).manner("ended"),
        ],
    },
    Cause {
        id: "answer-not-forwarded",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(Answer).as_(&[Silent])]).manner("not-delivered"),
            row(At::Gateway, 2.7, &[all(Answer).as_(&[Unanswered, EndedLate])]).manner("unanswered"),
            row(At::Gateway, 2.9, &[all(Answer).as_(&[EndedEarly])]).manner("unanswered"),
            row(At::Gateway, 4.2, &[all(Checks).as_(&[Unanswered])]).manner("unheard"),
        ],
    },
    Cause {
        id: "offer-altered",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(OfferIntact).as_(&[Altered])]).may(BEHIND_DESCRIPTION).manner("offer"),
            row(At::Gateway, 1.0, &[all(AnswerIntact).as_(&[Altered])]).may(BEHIND_DESCRIPTION).manner("answer"),
            // Both of them; by one row, so that one cause stands for them.
            row(At::Gateway, 1.0, &[all(OfferIntact).as_(&[Altered]), all(AnswerIntact).as_(&[Altered])])
                .shows(&[all(OfferIntact).asked(), all(AnswerIntact).asked()])
                .may(BEHIND_DESCRIPTION)
                .manner("both"),
            row(At::Gateway, 1.0, &[all(OfferIntact).as_(&[Survived])]).effect(Effect::Warn).manner("offer"),
            row(At::Gateway, 1.0, &[all(AnswerIntact).as_(&[Survived])]).effect(Effect::Warn).manner("answer"),
            row(At::Gateway, 1.0, &[all(OfferIntact).as_(&[Survived]), all(AnswerIntact).as_(&[Survived])])
                .shows(&[all(OfferIntact).asked(), all(AnswerIntact).asked()])
                .effect(Effect::Warn)
                .manner("both"),
            // What the other side sent is not known from one end: it may be its own fault.
            row(At::Gateway, 1.5, &[all(OfferIntact).as_(&[Unusable])]).sure(ALONE).may(BEHIND_DESCRIPTION).manner("offer"),
            row(At::Gateway, 1.5, &[all(AnswerIntact).as_(&[Unusable])]).sure(ALONE).may(BEHIND_DESCRIPTION).manner("answer"),
        ],
    },
    Cause {
        id: "candidates-not-forwarded",
        group: Group::Signaling,
        effect: Effect::Fail,
        rows: &[
            row(At::Gateway, 1.0, &[all(CallerCandidates).as_(&[Loss])]).may(BEHIND_CANDIDATES).manner("caller"),
            row(At::Gateway, 1.0, &[all(CalleeCandidates).as_(&[Loss])]).may(BEHIND_CANDIDATES).manner("callee"),
            row(At::Gateway, 1.0, &[all(CallerCandidates).as_(&[Loss]), all(CalleeCandidates).as_(&[Loss])])
                .shows(&[all(CallerCandidates).asked(), all(CalleeCandidates).asked()])
                .may(BEHIND_CANDIDATES)
                .manner("both"),
            row(At::Gateway, 1.0, &[all(CallerCandidates).as_(&[Survived])]).effect(Effect::Degrade).manner("caller"),
            row(At::Gateway, 1.0, &[all(CalleeCandidates).as_(&[Survived])]).effect(Effect::Degrade).manner("callee"),
            row(At::Gateway, 1.0, &[all(CallerCandidates).as_(&[Survived]), all(CalleeCandidates).as_(&[Survived])])
                .shows(&[all(CallerCandidates).asked(), all(CalleeCandidates).asked()])
                .effect(Effect::Degrade)
                .manner("both"),
            // From one end alone: none came.
            row(At::Gateway, 2.0, &[all(HasRemote).as_(&[Missing])]).manner("none"),
            row(At::Gateway, 2.6, &[all(HasRemote).as_(&[Empty])]).manner("none"),
            row(At::Gateway, 2.0, &[all(HasRemote).as_(&[Survived])]).effect(Effect::Degrade).manner("none"),
            row(At::Gateway, 4.0, &[all(Checks).as_(&[Unheard, Unanswered])]).manner("unheard"),
        ],
    },
    Cause {
        id: "signaling-drops",
        group: Group::Signaling,
        effect: Effect::Degrade,
        rows: &[
            row(At::Gateway, 1.0, &[all(SocketLasts).as_(&[Survived])]).manner("carried"),
            row(At::Gateway, 1.0, &[all(SocketLasts).as_(&[Closed])])
                .may(&[all(HasRemote), all(Checks), all(ConnectsSoon), all(PathLasts), all(Media), all(Dtls)])
                .effect(Effect::Fail)
                .manner("failed"),
        ],
    },
    Cause {
        id: "call-ended-by-gateway",
        group: Group::Signaling,
        effect: Effect::Fail,
        // A gateway may tell the caller of the caller's own end, in other words.
        rows: &[row(At::Gateway, 1.0, &[all(Unended)])
            .may(&[all(PathLasts), all(Media), all(MediaClean)])
            .sure(&[Clean])
            .manner("ended")],
    },
    Cause {
        id: "signaling-slow",
        group: Group::Signaling,
        effect: Effect::Warn,
        rows: &[
            row(At::Gateway, 1.0, &[all(Prompt)]).may(&[all(ConnectsSoon)]).manner("slow"),
            // What has not come in this time may come later, unless what did come was prompt.
            row(At::Gateway, 3.5, &[all(Offer).as_(&[Silent]), all(Prompt)]).effect(Effect::Fail).manner("late"),
            row(At::Gateway, 3.5, &[all(Answer).as_(&[Silent]), all(Prompt)]).effect(Effect::Fail).manner("late"),
            row(At::Gateway, 3.5, &[all(CallerCandidates).as_(&[Loss, Survived]), all(Prompt)])
                .may(&[all(CalleeCandidates), all(Checks)])
                .effect(Effect::Fail)
                .manner("late"),
            row(At::Gateway, 3.5, &[all(CalleeCandidates).as_(&[Loss, Survived]), all(Prompt)])
                .may(&[all(Checks)])
                .effect(Effect::Fail)
                .manner("late"),
        ],
    },
];

/// What a description that is not the one that was sent breaks.
const BEHIND_DESCRIPTION: &[Pattern] =
    &[all(Answer), all(HasRemote), all(Ufrag), all(Checks), all(ConnectsSoon), all(Dtls), all(Media)];

/// What candidates that are missing break.
const BEHIND_CANDIDATES: &[Pattern] = &[all(HasRemote), all(Checks), all(ConnectsSoon), all(PathLasts)];

/// What is asked only where both ends run here.
const ALONE: &[What] = &[CallerCandidates, CalleeCandidates];
