//! What goes to stdout and stderr: the report to the one, progress and errors to the other.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::arguments::{Common, Format, When};
use super::usage::Usage;
use crate::model::call::StateKind;
use crate::model::duration::whole_milliseconds;
use crate::model::fact::Observation;
use crate::model::report::Report;
use crate::probe::context::Listener;
use crate::probe::progress::{Progress, Watcher};
use crate::render::describe::describe;
use crate::render::mask::mask;
use crate::render::{self, Style};
use crate::run::call::Onlooker;

/// Prints to stdout. A reader that has gone away is no error of ours.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints a line to stderr.
pub fn complain(text: &str) {
    _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A line of progress on stderr, where that is a terminal.
#[must_use]
pub fn progress(common: &Common) -> Option<Listener> {
    if common.quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    Some(Box::new(|seen: &Observation| {
        let line: String = describe(seen).chars().take(100).collect();
        let mut stderr = std::io::stderr().lock();
        _ = write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush());
    }))
}

/// Prints the changes of a call's states as they come, where stderr is a terminal; the report has them all.
#[must_use]
pub fn onlooker(common: &Common) -> Onlooker {
    if common.quiet || !std::io::stderr().is_terminal() {
        return Rc::new(|_, _| {});
    }
    Rc::new(move |role, change| {
        let kind = match change.kind {
            StateKind::IceConnection => "iceConnectionState",
            StateKind::Connection => "connectionState",
            // They follow from what callcheck itself does.
            StateKind::IceGathering | StateKind::Signaling => return,
        };
        let deadline = if change.by_deadline { " (callcheck's own deadline)" } else { "" };
        complain(&format!("\r\x1b[2K{:>6} ms  {:<6}  {kind:<18}  {}{deadline}", change.at_ms, role.name(), change.state));
    })
}

/// Says that a callee is there to be called: whoever is to call waits for that.
#[must_use]
pub fn ready(common: &Common, wait: Duration) -> Rc<dyn Fn()> {
    if common.quiet {
        return Rc::new(|| {});
    }
    Rc::new(move || complain(&format!("ready: waits to be called, up to {}", humantime::format_duration(wait))))
}

/// Shows how far a long probe is: an estimate before it begins, and a bar where stderr is a terminal.
#[must_use]
pub fn watch(common: &Common) -> Watcher {
    if common.quiet {
        return Rc::new(|_| {});
    }
    let clear = if std::io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    Rc::new(move |progress| match progress {
        Progress::Begins { ports, about } => {
            let about = Duration::from_millis(whole_milliseconds(about).div_ceil(100).max(1) * 100);
            let many = if ports == 1 { "one port".to_owned() } else { format!("up to {ports} ports") };
            complain(&format!("{clear}{many}, in {} or more", humantime::format_duration(about)));
            bar.set_length(ports.into());
            bar.set_style(bar_style());
        }
        Progress::Ports { tried, closed } => {
            bar.set_message(format!("{closed} closed"));
            bar.set_position(tried.into());
        }
        Progress::Ends => bar.finish_and_clear(),
    })
}

fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{wide_bar} {pos} of {len}, {msg}, {eta} left").unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Clears the line of progress.
pub fn end_progress(common: &Common) {
    if !common.quiet && std::io::stderr().is_terminal() {
        _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
    }
}

/// Checks before anything is sent that the report's file can be written and has a form.
pub fn check_report_file(common: &Common) -> Result<(), Usage> {
    let Some(file) = &common.report else { return Ok(()) };
    format_of(file)?;
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    opened.map(|_| ()).map_err(|error| wrong_file(file, &error.to_string()))
}

/// Prints the report, and writes it to a file where asked.
pub fn report(report: &Report, common: &Common) -> Result<(), Usage> {
    let masked;
    let report = if common.mask_addresses {
        masked = mask(report);
        &masked
    } else {
        report
    };
    let style = Style { color: color(common), verbose: common.verbose, quiet: common.quiet };
    let format = match (common.json, common.format) {
        (true, _) | (false, Format::Json) => render::Format::Json,
        (false, Format::Text) => render::Format::Text,
    };
    colored::control::set_override(style.color);
    print(&render::render(report, format, style));
    if let Some(file) = &common.report {
        let plain = Style { color: false, verbose: true, quiet: false };
        colored::control::set_override(false);
        let text = render::render(report, format_of(file)?, plain);
        std::fs::write(file, text).map_err(|error| wrong_file(file, &error.to_string()))?;
    }
    Ok(())
}

fn color(common: &Common) -> bool {
    match common.color {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

fn format_of(file: &Path) -> Result<render::Format, Usage> {
    match file.extension().and_then(|suffix| suffix.to_str()) {
        Some("json") => Ok(render::Format::Json),
        Some("txt") => Ok(render::Format::Text),
        Some(_) | None => Err(wrong_file(file, "the suffix must be .json or .txt")),
    }
}

fn wrong_file(file: &Path, why: &str) -> Usage {
    Usage(format!("invalid value {:?} for --report: {why}", file.display().to_string()))
}
