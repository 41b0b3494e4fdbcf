//! The report: a public interface with a version, and what `replay` reads back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::call::Call;
use super::fact::{Observation, Tally};
use super::finding::{Finding, NotTested, RuledOut, Unexplained};
use super::message::Message;
use super::nat::Nat;
use super::relay_ports::RelayPorts;
pub use super::verdict::Verdict;

/// The version of the report's form. Fields only get added within one version.
pub const SCHEMA: &str = "callcheck/1";

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `callcheck`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    #[must_use]
    pub fn current() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Everything that one run asked, saw and concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The version of the report's form, `callcheck/1`.
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// The command that was run.
    pub command: String,
    /// When it started, RFC 3339, UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The answer in one word.
    pub verdict: Verdict,
    /// The answer in one sentence.
    #[serde(default)]
    pub headline: String,
    /// What that sentence is made from.
    #[serde(default)]
    pub headline_message: Message,
    /// What ended the run early: the deadline, or an interruption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<CutShort>,
    /// What was asked, so that the evidence can be judged again.
    pub asked: Asked,
    /// What is wrong; the first is the root cause.
    pub findings: Vec<Finding>,
    /// What the evidence excludes.
    pub ruled_out: Vec<RuledOut>,
    /// What failed and no cause explains.
    #[serde(default)]
    pub unexplained: Vec<Unexplained>,
    /// What would have mattered and was not tested.
    pub not_tested: Vec<NotTested>,
    /// What the relay's ports come to, where the run was after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_ports: Option<RelayPorts>,
    /// How the NAT of this network behaves, where `stun` was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<Nat>,
    /// The loss of the ways to the servers, where `stun` was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loss: Vec<Loss>,
    /// What was seen.
    pub observations: Vec<Observation>,
    /// The call, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// Every host that was sent anything.
    pub contacted: Vec<String>,
}

/// The loss of the way to a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Loss {
    /// The server, `udp 203.0.113.10:3478`.
    pub target: String,
    /// Requests and answers.
    pub requests: Tally,
    /// Requests sent twenty times as fast, where something limits their number, be it the server or a narrow line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited: Option<Tally>,
    /// The lower end of the 95 % interval of the round-trip loss (Clopper and Pearson), in percent.
    pub lower_percent: f64,
    /// Its upper end.
    pub upper_percent: f64,
    /// The median round trip in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// What ended a run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CutShort {
    /// `--timeout` was reached.
    Deadline,
    /// Ctrl-C, or a signal that means the same.
    Interrupted,
}
