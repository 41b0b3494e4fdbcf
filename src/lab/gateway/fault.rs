//! The ways in which the gateway can be broken on purpose; `tests/gateway` knows the same ones by the same names.

use crate::lab::named::named;

named! {
    /// A fault of the gateway or of what stands before it; they stand in the order of a call's way.
    GatewayFault, "fault of the gateway":

    /// Connections are taken, and no request is answered.
    Silent = "silent",
    /// A proxy answers 502: the gateway behind it is down.
    BadGateway = "bad-gateway",
    /// The application's page answers every request.
    WebPage = "web-page",
    /// The gateway listens on another path.
    WrongPath = "wrong-path",
    /// The gateway speaks another version and says so (code 5).
    OldProtocol = "old-protocol",
    /// The gateway speaks Engine.IO 3 alone.
    OlderHandshake = "older-handshake",
    /// The gateway refuses the request itself (code 4).
    Forbidden = "forbidden",
    /// The gateway accepts no token.
    AuthRefused = "auth-refused",
    /// The namespace is another; for it to be refused clients have to ask for one other than "/".
    NamespaceRefused = "namespace-refused",
    /// The gateway offers no polling.
    WebsocketOnly = "websocket-only",
    /// A proxy strips the headers of the upgrade.
    WebsocketStripped = "websocket-stripped",
    /// A proxy refuses the upgrade.
    WebsocketRefused = "websocket-refused",
    /// The upgrade is never answered.
    WebsocketHangs = "websocket-hangs",
    /// Two gateways stand behind one address, without sticky sessions.
    NotSticky = "not-sticky",
    /// No other origin may read the answers.
    NoCors = "no-cors",
    /// The gateway refuses the call by an event.
    CallRefused = "call-refused",
    /// The gateway refuses the call by the answer to it.
    CallRefusedByAnswer = "call-refused-by-answer",
    /// The gateway says that the receiver is offline.
    ReceiverOffline = "receiver-offline",
    /// The offer goes to nobody.
    OfferNotForwarded = "offer-not-forwarded",
    /// The answer goes to nobody.
    AnswerNotForwarded = "answer-not-forwarded",
    /// The caller's candidates go to nobody.
    CallerCandidatesNotForwarded = "caller-candidates-not-forwarded",
    /// The callee's candidates go to nobody.
    CalleeCandidatesNotForwarded = "callee-candidates-not-forwarded",
    /// The offer is rewritten on its way.
    OfferAltered = "offer-altered",
    /// The answer is rewritten on its way.
    AnswerAltered = "answer-altered",
    /// The gateway gives up as soon as it has forwarded the offer.
    NoAnswerAtOnce = "no-answer-at-once",
    /// Every event is forwarded late.
    Slow = "slow",
    /// The caller's connection breaks after the answer.
    DropsConnection = "drops-connection",
    /// The gateway ends the caller's connection after the answer.
    ClosesConnection = "closes-connection",
    /// Thousands of other events come with the offer.
    Flood = "flood",
    /// Events of two megabytes come with the offer.
    Megabytes = "megabytes",
}
