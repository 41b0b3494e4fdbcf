//! What is wrong, how sure that is, and what to change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::Message;
use super::place::Place;

/// What a fault does to calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// They fail.
    Fail,
    /// They fail for some users, or run badly.
    Degrade,
    /// A risk.
    Warn,
}

impl Level {
    /// Its name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Degrade => "degrade",
            Self::Warn => "warn",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Nothing else explains the evidence.
    Certain,
    /// Something else could, and is much rarer.
    Likely,
    /// Something else could just as well.
    Possible,
}

impl Confidence {
    /// Its name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        }
    }
}

/// One cause with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The stable name of the cause.
    pub id: String,
    /// What it does to calls.
    pub level: Level,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where the cause sits.
    #[serde(default)]
    pub place: Place,
    /// What the sentences are made from.
    #[serde(default)]
    pub message: Message,
    /// One sentence on what is wrong.
    pub summary: String,
    /// One sentence on what that does to calls.
    pub impact: String,
    /// The observations that it rests on.
    pub evidence: Vec<String>,
    /// The causes that the evidence can't exclude.
    pub remaining: Vec<Remaining>,
    /// What to change.
    pub fixes: Vec<Fix>,
}

impl Where {
    /// All of them, with the words that keys of sentences use.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Server, "server"),
        (Self::Firewall, "firewall"),
        (Self::Dns, "dns"),
        (Self::Application, "application"),
        (Self::Network, "network"),
        (Self::Client, "client"),
        (Self::Signaling, "signaling"),
    ];
}

impl Finding {
    /// What is claimed, in one line: `relay-ports-closed fail likely external-ip-mismatch,packet-loss` has the id, the level, the
    /// confidence, and the causes that remain.
    #[must_use]
    pub fn claim(&self) -> String {
        let remaining: Vec<&str> = self.remaining.iter().map(|remaining| remaining.id.as_str()).collect();
        let claim = format!("{} {} {} {}", self.id, self.level.name(), self.confidence.name(), remaining.join(","));
        claim.trim_end().to_owned()
    }
}

/// A cause that the evidence can't exclude, and the step that would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remaining {
    /// The stable name of that cause.
    pub id: String,
    /// What would tell.
    pub decide: String,
    /// The key of that sentence.
    #[serde(default)]
    pub ask: String,
}

/// A change that mends a fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// Where to make it.
    #[serde(rename = "where")]
    pub place: Where,
    /// What to do, in a sentence.
    pub text: String,
    /// A command or a line of configuration that can be pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Where a fix is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// On the TURN server's host.
    Server,
    /// In the firewall or the provider's rules before the server.
    Firewall,
    /// In the zone of the name.
    Dns,
    /// In the application: its list of ICE servers, or what makes its credentials.
    Application,
    /// In the network that callcheck runs in.
    Network,
    /// On the host that callcheck runs on.
    Client,
    /// On the signaling server, or the proxy before it.
    Signaling,
}

/// A cause that the evidence excludes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuledOut {
    /// The stable name of the cause.
    pub id: String,
    /// Where it is excluded; absent where it is excluded wherever it could sit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The observations that exclude it.
    pub evidence: Vec<String>,
}

/// What a user says of causes before they are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Causes that are to count as fatal.
    pub deny: Vec<String>,
    /// Causes that are to count as harmless; what they explain stays explained.
    pub allow: Vec<String>,
}

impl Overrides {
    /// The level of a cause.
    #[must_use]
    pub fn level(&self, id: &str, level: Level) -> Level {
        if self.deny.iter().any(|denied| denied == id) {
            Level::Fail
        } else if self.allow.iter().any(|allowed| allowed == id) {
            Level::Warn
        } else {
            level
        }
    }
}

/// Something that failed and that no cause explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unexplained {
    /// What failed, in a sentence.
    pub what: String,
    /// Where.
    pub place: Place,
    /// What the sentences are made from.
    pub message: Message,
    /// The observations.
    pub evidence: Vec<String>,
    /// What to try.
    #[serde(rename = "try")]
    pub attempt: String,
}

/// Something that would have mattered and was not tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotTested {
    /// What was not tested.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do for it to be tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<Fix>,
    /// What the sentences are made from.
    #[serde(default)]
    pub message: Message,
}
