//! What is known before the first packet: credentials, names, routes.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::host::Host;

/// What the credentials look like, without what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialsFact {
    /// Where they come from.
    pub source: CredentialsSource,
    /// The expiry stamp in the user name, in seconds since 1970, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// This host's clock at the time, in seconds since 1970.
    pub now: i64,
    /// What is unusual about them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oddities: Vec<CredentialsOddity>,
    /// The hosts that they are for, where others have other ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Host>,
}

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsSource {
    /// A user name and a password were given.
    Given,
    /// They were computed from the shared secret on the spot.
    Computed,
}

/// What is unusual about credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsOddity {
    /// The stamp in the user name is in milliseconds.
    StampInMilliseconds,
    /// The stamp is about now: the time of issue in place of the expiry.
    StampIsIssueTime,
    /// The password of an ephemeral name is not the base64 text of an HMAC.
    PasswordNotBase64Hmac,
    /// The password is the hexadecimal text of an HMAC.
    PasswordIsHex,
    /// The user name has a space.
    NameWithSpace,
    /// The user name has characters beyond ASCII.
    NameNotAscii,
    /// The name or password starts or ends with white space.
    SurroundingSpace,
    /// The password has characters beyond ASCII.
    PasswordNotAscii,
}

/// What a browser makes of an entry of a list of ICE servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListEntryFact {
    /// Why it refuses the entry, and with it the list; nothing where it takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<ListRefusal>,
}

/// What `new RTCPeerConnection` throws.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListRefusal {
    /// The name of the error: `InvalidAccessError`.
    pub error: String,
    /// Its words.
    pub words: String,
    /// What is wrong.
    pub mistake: ListMistake,
    /// A key that stands in place of the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListMistake {
    /// It has no URL.
    NoUrls,
    /// A URL is none.
    Url,
    /// `username` or `credential` is missing.
    Credentials,
    /// One of them is empty.
    EmptyCredentials,
    /// The user name is longer than 509 bytes.
    LongName,
}

impl ListMistake {
    /// The name as JSON has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoUrls => "no-urls",
            Self::Url => "url",
            Self::Credentials => "credentials",
            Self::EmptyCredentials => "empty-credentials",
            Self::LongName => "long-name",
        }
    }
}

/// What the resolver says of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NameFact {
    /// How the question ended.
    pub answer: NameAnswer,
    /// The addresses, if any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// The host and port that SRV records name, if any (RFC 5928 §3).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// How a question to the resolver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NameAnswer {
    /// There are addresses.
    Found,
    /// The name does not exist (NXDOMAIN).
    NotFound,
    /// The name exists and has neither A nor AAAA.
    NoAddress,
    /// No resolver answered, or none could.
    Unavailable,
}

/// Whether this host can send to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteFact {
    /// The local address that would be used; absent without a route.
    pub source: Option<IpAddr>,
}
