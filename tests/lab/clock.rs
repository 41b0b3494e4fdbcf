//! Programs whose clock is wrong: libfaketime stands between them and the system's.

use std::process::Command;

use crate::format::{Fault, Scenario};
use crate::sandbox;

const TOOL: &str = "faketime";

/// A command for a program whose clock is ahead of the system's by so many seconds, or behind. Only what it says the time is
/// differs: timers go on as they are.
pub fn showing(program: &str, ahead_s: i64) -> Command {
    if ahead_s == 0 {
        return Command::new(program);
    }
    let mut command = Command::new(TOOL);
    command.args(["--exclude-monotonic", "-f", &format!("{ahead_s:+}s"), program]);
    command
}

/// Why the scenario's clocks can't be had here, or nothing.
pub fn obstacle(scenario: &Scenario) -> Option<String> {
    let needed = scenario.clock_ahead_s != 0 || scenario.faults.iter().any(|fault| matches!(fault, Fault::ServerClockAhead(_)));
    if needed { sandbox::lacks(TOOL, "faketime") } else { None }
}
