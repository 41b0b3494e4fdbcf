//! What was seen becomes a report: the diagnosis, and its sentences.

use crate::diagnose::{Diagnosis, diagnose};
use crate::model::asked::Asked;
use crate::model::fact::Observation;
use crate::model::finding::{Level, Overrides};
use crate::model::message::Message;
use crate::model::nat::Consequence;
use crate::model::report::{CutShort, Report};
use crate::text::{self, Texts};

/// Judges what a run has seen, and says it.
#[must_use]
pub fn judge(
    asked: &Asked,
    observations: &[Observation],
    cut_short: Option<CutShort>,
    overrides: &Overrides,
) -> (Diagnosis, String) {
    let mut diagnosis = diagnose(asked, observations, cut_short, overrides);
    let headline = text::with(|texts| {
        diagnosis.findings.iter_mut().for_each(|finding| texts.spell(finding));
        diagnosis.not_tested.iter_mut().for_each(|entry| texts.spell_untested(entry));
        diagnosis.unexplained.iter_mut().for_each(|entry| texts.spell_unexplained(entry));
        headline(texts, &diagnosis)
    });
    (diagnosis, headline)
}

/// The answer in one sentence. It may speak of the first finding, and of what was not tested.
fn headline(texts: &Texts, diagnosis: &Diagnosis) -> String {
    let message = &diagnosis.headline;
    let serious = diagnosis.findings.iter().find(|finding| finding.level != Level::Warn).or(diagnosis.findings.first());
    if let Some(finding) = serious.filter(|finding| finding.message.key == message.key) {
        return finding.summary.clone();
    }
    if let Some(finding) = diagnosis.findings.iter().find(|finding| finding.message == *message) {
        return finding.summary.clone();
    }
    let said = |message: &Message| texts.say(&message.key, message).unwrap_or_else(|| message.key.clone());
    let mut message = message.clone();
    if let Some(finding) = serious {
        message = message.with("reason", finding.summary.as_str());
    }
    let consequence =
        diagnosis.nat.iter().flat_map(|nat| nat.families()).find_map(|(_, behaviour)| behaviour.consequence.value());
    if let Some(consequence) = consequence {
        message = message.with("consequence", Consequence::sentence(consequence));
    }
    if let Some(entry) = diagnosis.not_tested.last() {
        message = message.with("what", entry.what.as_str()).with("why", entry.why.as_str());
    }
    let sentence = said(&message);
    match message.args.get("risk") {
        Some(crate::model::message::Arg::Text(risk)) if risk != "none" => {
            let risky = diagnosis.findings.iter().find(|finding| finding.id == *risk);
            risky.map_or(sentence.clone(), |finding| {
                said(&Message::new("headline-ok-but").with("sentence", sentence).with("reason", finding.summary.as_str()))
            })
        }
        _ => sentence,
    }
}

/// Judges a saved report again.
#[must_use]
pub fn again(report: &Report, overrides: &Overrides) -> Report {
    let (diagnosis, headline) = judge(&report.asked, &report.observations, report.cut_short, overrides);
    Report {
        verdict: diagnosis.verdict,
        headline,
        headline_message: diagnosis.headline,
        findings: diagnosis.findings,
        ruled_out: diagnosis.ruled_out,
        unexplained: diagnosis.unexplained,
        not_tested: diagnosis.not_tested,
        relay_ports: diagnosis.relay_ports,
        nat: diagnosis.nat,
        loss: diagnosis.loss,
        ..report.clone()
    }
}
