//! The same report judged again: with less to see nothing becomes surer, and what is allowed hides nothing but itself.
//!
//! What counts as surer: a cause that was found at a place and was not certain there becomes certain at that place. That another cause
//! becomes certain when the one observation against it is gone is another matter: that one has to be true all the same, since silence
//! and what nobody asked make nothing certain.

use std::collections::{BTreeMap, BTreeSet};

use callcheck::model::finding::{Confidence, Finding, Level, Overrides};
use callcheck::model::report::{Report, Verdict};
use callcheck::run::judge::again;
use libtest_mimic::Trial;

use super::case::{Case, Truth};
use super::play::play;
use super::seeds::{Judged, Worlds};
use super::wide::draw;
use super::worlds::Dice;

const WORLDS: u64 = 200;
const CHUNK: u64 = 25;

/// How often observations are dropped from each report.
const DROPS: usize = 8;

/// Worlds in which a filter of this network becomes certain once what spoke for another one is no longer seen, and one in which a relay sends nothing
/// over a connection that has stalled, once that is no longer seen.
const OPEN: [u64; 1] = [51];

/// Worlds that once broke a sentence: a filter of this network became certain once less was seen of hosts that are dead.
const MENDED: [u64; 3] = [35, 75, 153];

/// The worlds, for each of both sentences.
pub fn trials() -> Vec<Trial> {
    let dropped =
        Worlds { name: "half-seen world", count: WORLDS, chunk: CHUNK, mended: &MENDED, open: &OPEN, play: judge_dropped };
    let allowed = Worlds { name: "allowing world", count: WORLDS, chunk: CHUNK, mended: &[], open: &[], play: judge_allowed };
    dropped.trials().into_iter().chain(allowed.trials()).collect()
}

fn judge_dropped(seed: u64) -> Judged {
    let (case, report) = seen(seed);
    let mut dice = Dice::new(seed ^ 0xD209);
    let mut complaints = BTreeSet::new();
    for _ in 0..DROPS {
        let (less, dropped) = drop_some(&report, &mut dice);
        let judged = again(&less, &Overrides::default());
        for complaint in surer(&report, &judged, &Truth::of(&case, &report)) {
            complaints.insert(format!("{complaint} without {dropped}"));
        }
    }
    Judged { world: case.drawn.to_string(), reports: vec![report], complaints: complaints.into_iter().collect() }
}

fn judge_allowed(seed: u64) -> Judged {
    let (case, report) = seen(seed);
    let ids: BTreeSet<&String> = report.findings.iter().map(|finding| &finding.id).collect();
    let complaints = ids.into_iter().flat_map(|id| hidden(&report, id)).collect();
    Judged { world: case.drawn.to_string(), reports: vec![report], complaints }
}

fn seen(seed: u64) -> (Case, Report) {
    let case = draw(seed, |_| true);
    let report = play(&case.drawn.world, &case.drawn.asks).report;
    (case, report)
}

/// Leaves out whole observations: a single one, or a share of all.
fn drop_some(report: &Report, dice: &mut Dice) -> (Report, String) {
    let mut less = report.clone();
    if less.observations.is_empty() {
        return (less, "anything".to_owned());
    }
    let share = dice.pick(&[0.0, 0.0, 0.1, 0.3]);
    let last = u32::try_from(less.observations.len() - 1).expect("some hundreds");
    let chosen = dice.number(0..=last) as usize;
    let mut dropped = vec![less.observations.remove(chosen)];
    let (kept, more) = less.observations.into_iter().partition(|_| !dice.chance(share));
    less.observations = kept;
    dropped.extend(more);
    let ids: Vec<&str> = dropped.iter().map(|seen| seen.id.as_str()).collect();
    let ids = ids.join(" ");
    (less, ids)
}

/// What is certain in a report with less to see, and was not before; and what is certain in it and not true.
fn surer(full: &Report, less: &Report, truth: &Truth) -> Vec<String> {
    let is_same = |one: &Finding, other: &Finding| one.id == other.id && one.place == other.place;
    let certain = less.findings.iter().filter(|finding| finding.confidence == Confidence::Certain);
    let complain = |finding: &Finding| {
        let Finding { id, place, .. } = finding;
        let before = full.findings.iter().find(|known| is_same(known, finding));
        match before.map(|known| known.confidence) {
            Some(Confidence::Certain) => None,
            Some(Confidence::Likely | Confidence::Possible) => Some(format!("{id} at {place} becomes certain")),
            None if truth.holds(id, place) || truth.is_consequence(id) => None,
            None => Some(format!("{id} at {place} is certain and not true")),
        }
    };
    certain.filter_map(complain).collect()
}

/// What an allowed cause hides besides itself.
fn hidden(report: &Report, id: &str) -> Vec<String> {
    let judged = again(report, &Overrides { allow: vec![id.to_owned()], deny: Vec::new() });
    let mut complaints = Vec::new();
    let of_others = |report: &Report| {
        let others = report.findings.iter().filter(|finding| finding.id != id);
        others.map(|finding| (finding.place.to_string(), finding.claim())).collect::<BTreeSet<_>>()
    };
    let (before, after) = (of_others(report), of_others(&judged));
    if before != after {
        complaints.push(format!("with {id} allowed {before:?} become {after:?}"));
    }
    let own = |report: &Report| {
        let own = report.findings.iter().filter(|finding| finding.id == id);
        own.map(|finding| (finding.place.to_string(), finding.confidence.name())).collect::<BTreeMap<_, _>>()
    };
    if own(report) != own(&judged) || judged.findings.iter().any(|finding| finding.id == id && finding.level != Level::Warn) {
        complaints.push(format!("{id} is allowed, and is not a mild finding at its places"));
    }
    if report.ruled_out != judged.ruled_out || report.unexplained != judged.unexplained {
        complaints.push(format!("with {id} allowed other causes are ruled out, or other things unexplained"));
    }
    let worst = judged.findings.iter().map(|finding| finding.level).min();
    let is_too_mild = match judged.verdict {
        Verdict::Ok => worst.is_some_and(|level| level != Level::Warn) || !report.unexplained.is_empty(),
        Verdict::Degraded | Verdict::Inconclusive => worst == Some(Level::Fail),
        Verdict::Failed => false,
    };
    if is_too_mild {
        complaints.push(format!("with {id} allowed the verdict is {}", judged.verdict.name()));
    }
    complaints
}
