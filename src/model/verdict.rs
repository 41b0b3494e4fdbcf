//! The verdict: what a run, or one path of a call, comes to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Calls will work on what was tested, and all that matters was tested.
    Ok,
    /// They work for some users or transports, or run badly.
    Degraded,
    /// They fail.
    Failed,
    /// What would decide could not be tested from here.
    Inconclusive,
}

impl Verdict {
    /// The name that a report uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
        }
    }
}
