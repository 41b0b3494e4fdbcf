//! The signaling gateway of a scenario that makes a call: the one on Node's socket.io, on the control host.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::format::{Player, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::sandbox;
use crate::topology::CONTROLS;

/// Where it listens.
const PORT: u16 = 3000;

/// The tokens of its accounts, with the variables in which callcheck looks for them.
pub const TOKENS: [(&str, &str); 2] = [("CALLCHECK_CALLER_TOKEN", "caller-token"), ("CALLCHECK_CALLEE_TOKEN", "callee-token")];

/// Its URL.
pub fn url() -> String {
    format!("http://{}:{PORT}", CONTROLS[0])
}

/// Whether the scenario makes a call.
pub fn is_needed(scenario: &Scenario) -> bool {
    scenario.args.first().is_some_and(|command| command == "call")
}

/// Why the gateway can't run here, or nothing.
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    if !is_needed(scenario) {
        return None;
    }
    let installed = folder().join("node_modules/socket.io").is_dir();
    let unprepared = || (!installed).then(|| "npm ci was not run in tests/gateway: ./tests/run does it".to_owned());
    let browserless = || {
        let lacking = needs_browser(scenario) && browser().is_none();
        lacking.then(|| "chromium is not installed (package chromium)".to_owned())
    };
    sandbox::lacks("node", "nodejs").or_else(unprepared).or_else(browserless)
}

/// Whether a browser plays the other end.
pub fn needs_browser(scenario: &Scenario) -> bool {
    scenario.callee.as_ref().is_some_and(|callee| callee.player != Player::Callcheck)
}

/// Where Chromium is, under the names that it has in packages.
pub fn browser() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(sandbox::find)
}

/// Where the gateway and what plays a browser's part are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway")
}

/// Starts the gateway where the scenario needs it; it ends with its input, which the child holds.
pub fn start(scenario: &Scenario) -> Outcome<Option<Child>> {
    if !is_needed(scenario) {
        return Ok(None);
    }
    let mut child = Host::Control.inside(|| {
        let mut command = Command::new("node");
        command.arg(folder().join("../lab/gateway.mjs")).args(["--host", "0.0.0.0", "--port", &PORT.to_string()]);
        for fault in &scenario.gateway_faults {
            command.args(["--fault", fault]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().doing("starting the gateway")
    })?;
    let output = child.stdout.take().ok_or("the gateway's output is a pipe")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).doing("waiting for the gateway")?;
    if line.starts_with("listening") { Ok(Some(child)) } else { Err(format!("the gateway says {line:?}")) }
}
