//! In what manner the answer to a question can be broken.

/// How a reading is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Manner {
    /// Nothing came.
    Silent,
    /// The host itself says that nothing listens.
    Refused,
    /// Somebody in front of it rejects it.
    Rejected,
    /// Somebody in this network rejects it, nearer than the server.
    RejectedHere,
    /// A connection ended without a word.
    Closed,
    /// This host may not send.
    Denied,
    /// There is no way there.
    NoRoute,
    /// A STUN error with this code.
    Code(u16),
    /// A STUN error with a code that says little.
    OtherCode,
    /// An answer came that can't be used.
    Unusable,
    /// HTTP answered.
    Http,
    /// TLS answered where plain text was expected.
    SpeaksTls,
    /// SSH answered.
    Ssh,
    /// Something else answered.
    Other,
    /// A certificate is asked of the client.
    AsksCertificate,
    /// STUN answers without TLS.
    Plain,
    /// It answers behind the header of a proxy.
    BehindHeader,
    /// An alert of TLS.
    Alert,
    /// Nothing newer than TLS 1.1.
    TooOld,
    /// The library gave up.
    Failed,
    /// It has ended.
    Expired,
    /// It begins later.
    NotYetValid,
    /// An intermediate certificate is missing.
    ChainIncomplete,
    /// The root is unknown.
    UntrustedIssuer,
    /// The name does not exist.
    NotFound,
    /// The name has no address.
    NoAddress,
    /// No resolver answers.
    Unavailable,
    /// A loopback address.
    Loopback,
    /// A private address.
    Private,

    /// It is not there.
    Missing,
    /// It is empty.
    Empty,
    /// It is another one.
    Different,
    /// It is ahead or behind.
    Off,
    /// It leads in a circle.
    Loop,
    /// It leads to nobody.
    Dead,
    /// It leads elsewhere, where it works.
    Arrived,
    /// All above or all below some port.
    Split,
    /// A block in the middle.
    Block,
    /// Here and there.
    Scattered,
    /// A single one, at one end.
    OneEnd,
    /// Here and there, by a host that refuses.
    ScatteredRefused,
    /// It is lost.
    Loss,
    /// Where more is sent, less arrives.
    UnderLoad,
    /// It arrives unevenly.
    Jitter,
    /// Too little arrives.
    Slow,
    /// It stalls.
    Stalls,
    /// It stalls with the first full packet.
    StallsAtOnce,
    /// Large packets are lost.
    Large,
    /// This host is the server.
    Same,
    /// This host is behind the server's address.
    Behind,
    /// Two addresses were seen.
    Several,
    /// An address that carriers share among their users.
    Shared,
    /// It was altered.
    Altered,
    /// It names something else.
    Stale,
    /// It was ended.
    Ended,
    /// One way alone.
    OneWay,
    /// A page, or nothing of Engine.IO.
    Page,
    /// An older protocol.
    Older,
    /// The certificate is not trusted.
    Untrusted,
    /// It was not used.
    Unused,
    /// The call gets over it.
    Survived,
    /// Nobody answers, and the other side can't be seen from here.
    Unanswered,
    /// Nobody answers, though the other side is heard.
    Heard,
    /// Nothing is heard, and the other side can't be seen from here.
    Unheard,
    /// It was ended sooner than anybody could answer.
    EndedEarly,
    /// It was ended after somebody could have answered.
    EndedLate,
    /// It was ended while the answer was under way.
    Crossed,
}

impl Manner {
    /// The word that sentences select on.
    #[must_use]
    pub fn name(self) -> String {
        if matches!(self, Self::Code(_) | Self::OtherCode) {
            "error".to_owned()
        } else if self == Self::SpeaksTls {
            "tls".to_owned()
        } else {
            in_kebab_case(&format!("{self:?}"))
        }
    }
}

/// The name of a variant as keys of sentences have it: `own-address`.
#[must_use]
pub fn in_kebab_case(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
