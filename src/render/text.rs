//! The report for people: verdict and root cause in the first line, then the probes by transport, then each finding with its fix.

mod call;
mod nat;
mod pen;
mod ports;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::IpAddr;

use colored::Color;
use comfy_table::{ContentArrangement, Table, presets};

use self::pen::Pen;
use super::describe::describe;
use super::style::Style;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{Fact, HandshakeEnd, InboundWay, Observation};
use crate::model::finding::{Finding, Fix, Level, Where};
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::report::{Report, Verdict};

/// Draws a report.
#[must_use]
pub fn render(report: &Report, style: Style) -> String {
    let pen = Pen { color: style.color };
    let mut text = headline(report, pen);
    if style.quiet {
        return text;
    }
    if let Some(call) = &report.call {
        text.push_str(&call::section(call, pen));
    }
    let table = table(report);
    if !table.is_empty() {
        _ = write!(text, "\n{table}");
    }
    if let Some(ports) = &report.relay_ports {
        text.push_str(&ports::section(ports, pen));
    }
    text.push_str(&ports::single(report, pen));
    text.push_str(&nat::section(report, pen));
    let by_id: HashMap<&str, &Observation> = report.observations.iter().map(|seen| (seen.id.as_str(), seen)).collect();
    for finding in &report.findings {
        text.push('\n');
        text.push_str(&one_finding(&by_id, finding, pen));
    }
    if !report.not_tested.is_empty() {
        _ = writeln!(text, "\n{}", pen.bold("Not tested"));
        for entry in &report.not_tested {
            _ = writeln!(text, "  {}: {}", entry.what, entry.why);
            text.push_str(&what_to_do(&entry.next, pen));
        }
    }
    let controls = controls(report);
    if !controls.is_empty() {
        _ = writeln!(text, "\n{}: {}", pen.bold("Compared with"), controls.join(", "));
    }
    if style.verbose {
        text.push_str(&everything(report, pen));
    }
    text
}

/// The hosts that have nothing to do with the server and were asked all the same, to tell it from this network.
fn controls(report: &Report) -> Vec<String> {
    let ips = |seen: &Observation| seen.endpoint().map(|endpoint| endpoint.ip());
    let servers: BTreeSet<IpAddr> = report.observations.iter().filter(|seen| seen.is_of_server()).filter_map(ips).collect();
    let asked = report.observations.iter().filter(|seen| matches!(seen.fact, Fact::Control(_))).filter_map(ips);
    asked.collect::<BTreeSet<_>>().difference(&servers).map(ToString::to_string).collect()
}

fn headline(report: &Report, pen: Pen) -> String {
    let color = match report.verdict {
        Verdict::Ok => Color::Green,
        Verdict::Degraded | Verdict::Inconclusive => Color::Yellow,
        Verdict::Failed => Color::Red,
    };
    let verdict = pen.paint(&report.verdict.name().to_uppercase(), color);
    format!("{verdict}: {}\n", report.headline)
}

fn table(report: &Report) -> String {
    let mut endpoints: BTreeMap<Endpoint, Vec<&Observation>> = BTreeMap::new();
    for seen in report.observations.iter().filter(|seen| seen.is_of_server()) {
        if let Some(endpoint) = seen.endpoint() {
            endpoints.entry(endpoint).or_default().push(seen);
        }
    }
    if endpoints.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["server", "reach", "TLS", "STUN", "TURN", "relay in", "relay out", "round trip"]);
    for (endpoint, seen) in endpoints {
        table.add_row(row(endpoint, &seen));
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn row(endpoint: Endpoint, seen: &[&Observation]) -> [String; 8] {
    let target = endpoint.to_string();
    let cell = |select: &dyn Fn(&Fact) -> Option<String>| {
        seen.iter().find_map(|seen| select(&seen.fact)).unwrap_or_else(|| "-".to_owned())
    };
    let reach = cell(&|fact| match fact {
        Fact::Connect(it) => Some(brief(&it.reply.outcome)),
        Fact::Challenge(it) if it.reply.answered() => Some("ok".to_owned()),
        Fact::Binding(it) if it.reply.answered() => Some("ok".to_owned()),
        _ => None,
    });
    let reach = if reach == "-" {
        cell(&|fact| if let Fact::Binding(it) = fact { Some(brief(&it.reply.outcome)) } else { None })
    } else {
        reach
    };
    let tls = cell(&|fact| match fact {
        Fact::Handshake(it) if it.end != HandshakeEnd::Completed => Some("failed".to_owned()),
        Fact::Handshake(it) if !it.defects.is_empty() => Some("not trusted".to_owned()),
        Fact::Handshake(it) => Some(it.version.as_deref().unwrap_or("ok").replace('_', ".")),
        _ => None,
    });
    let stun = cell(&|fact| if let Fact::Binding(it) = fact { Some(brief(&it.reply.outcome)) } else { None });
    let turn = cell(&|fact| match fact {
        Fact::Allocation(it) if !it.sample => Some(brief(&it.reply.outcome)),
        _ => None,
    });
    let turn = if turn == "-" {
        cell(&|fact| if let Fact::Challenge(it) = fact { Some(challenge(&it.reply.outcome)) } else { None })
    } else {
        turn
    };
    let relay_in = cell(&|fact| match fact {
        Fact::Inbound(it) if !it.sample && it.way == InboundWay::Unsolicited => Some(yes(it.arrived)),
        _ => None,
    });
    let relay_out = cell(&|fact| if let Fact::Outbound(it) = fact { Some(yes(it.arrived)) } else { None });
    let round_trip = cell(&|fact| {
        match fact {
            Fact::Binding(it) => it.reply.rtt_ms,
            Fact::Challenge(it) => it.reply.rtt_ms,
            _ => None,
        }
        .map(|rtt| format!("{rtt:.1} ms"))
    });
    [target, reach, tls, stun, turn, relay_in, relay_out, round_trip]
}

fn challenge(of: &Outcome) -> String {
    if *of == (Outcome::Error { code: 401 }) {
        "asks for login".to_owned()
    } else if *of == Outcome::Success {
        "open to anyone".to_owned()
    } else {
        brief(of)
    }
}

/// An outcome in a word or two, for a cell of the table.
fn brief(of: &Outcome) -> String {
    let word = match of {
        Outcome::Success => "ok",
        Outcome::Error { code } => return format!("error {code}"),
        Outcome::Silent => "silent",
        Outcome::Unreachable { reason: Unreachable::Port, .. } => "refused",
        Outcome::Unreachable { .. } => "rejected",
        Outcome::DeniedLocally => "denied here",
        Outcome::NoRoute => "no route",
        Outcome::Closed => "closed",
        Outcome::NotStun { .. } => "not STUN",
        Outcome::FromElsewhere { .. } => "elsewhere",
        Outcome::Unusable { .. } => "unusable",
    };
    word.to_owned()
}

fn yes(arrived: bool) -> String {
    if arrived { "ok" } else { "nothing" }.to_owned()
}

/// The most reasons that a finding shows; the same thing seen twice is said once.
const SHOWN: usize = 8;

fn one_finding(by_id: &HashMap<&str, &Observation>, finding: &Finding, pen: Pen) -> String {
    let color = match finding.level {
        Level::Fail => Color::Red,
        Level::Degrade => Color::Yellow,
        Level::Warn => Color::Cyan,
    };
    let (level, confidence) = (finding.level.name().to_uppercase(), finding.confidence.name());
    let mut text = format!("{} {} ({confidence})\n", pen.paint(&level, color), pen.bold(&finding.id));
    _ = writeln!(text, "  {}", finding.summary);
    _ = writeln!(text, "  {}", finding.impact);
    let cited = |id: &String| by_id.get(id.as_str()).copied();
    let mut known = BTreeSet::new();
    let mut reasons: Vec<String> = finding.evidence.iter().filter_map(cited).map(describe).collect();
    reasons.retain(|reason| known.insert(reason.clone()));
    // What works is answered at once, what fails is known at the end: both are to be seen.
    let more = reasons.len().saturating_sub(SHOWN);
    let late = SHOWN / 2 + more;
    let shown = reasons.iter().enumerate().filter(|(number, _)| *number < SHOWN / 2 || *number >= late);
    for (_, reason) in shown {
        _ = writeln!(text, "    because {reason}");
    }
    if more > 0 {
        _ = writeln!(text, "    and {more} more observations (-v lists them)");
    }
    for remaining in &finding.remaining {
        _ = writeln!(text, "  It may also be {}: {}.", remaining.id, remaining.decide);
    }
    text.push_str(&what_to_do(&finding.fixes, pen));
    text
}

fn what_to_do(fixes: &[Fix], pen: Pen) -> String {
    let mut text = String::new();
    for fix in fixes {
        _ = writeln!(text, "  {} {}", pen.bold(place(fix.place)), fix.text);
        for line in fix.command.iter().flat_map(|command| command.lines()) {
            _ = writeln!(text, "      {line}");
        }
    }
    text
}

fn place(place: Where) -> &'static str {
    match place {
        Where::Server => "On the TURN server:",
        Where::Firewall => "In the server's firewall:",
        Where::Dns => "In DNS:",
        Where::Application => "In the application:",
        Where::Network => "In this network:",
        Where::Client => "On this host:",
        Where::Signaling => "On the signaling server:",
    }
}

fn everything(report: &Report, pen: Pen) -> String {
    let mut text = format!("\n{}\n", pen.bold("Observations"));
    for seen in &report.observations {
        _ = writeln!(text, "  {:>5} ms  {:<4} {}", seen.at_ms, seen.id, describe(seen));
    }
    if !report.ruled_out.is_empty() {
        _ = writeln!(text, "\n{}", pen.bold("Ruled out"));
        for ruled_out in &report.ruled_out {
            _ = writeln!(text, "  {} ({})", ruled_out.id, ruled_out.evidence.join(", "));
        }
    }
    text
}
