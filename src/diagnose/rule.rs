//! What a rule is: a cause, and a function that judges the evidence.

use super::evidence::Evidence;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Finding, Fix, Level, Place, Remaining};

/// A cause with the function that recognises it.
pub struct Rule {
    /// The cause.
    pub cause: Cause,
    /// The causes that are mere symptoms where this one is found.
    pub folds: &'static [&'static str],
    /// Judges the evidence.
    pub judge: fn(&Evidence<'_>) -> Judgement,
}

/// A cause that others explain: then it is folded into the first of them, which takes over its evidence.
///
/// [`Rule::folds`] hides what one cause always covers; this is for what many causes end in, as a call without a path.
#[derive(Clone, Copy)]
pub struct Symptom {
    /// The cause that may be a mere symptom.
    pub id: &'static str,
    /// Any cause of these groups that makes calls fail.
    pub failures_in: &'static [Group],
    /// These causes at any level but a warning; where one explains that a call failed, it is what made it fail.
    pub causes: &'static [&'static str],
}

impl Symptom {
    /// Whether a finding explains it.
    #[must_use]
    pub fn is_explained_by(self, cause: &Cause, finding: &Finding) -> bool {
        let fails = finding.level == Level::Fail && self.failures_in.contains(&cause.group);
        fails || finding.level != Level::Warn && self.causes.contains(&cause.id)
    }
}

/// What a rule says of the evidence.
#[derive(Debug)]
pub enum Judgement {
    /// The cause is there.
    Found(Box<Finding>),
    /// The evidence excludes the cause; the ids of the observations that do.
    RuledOut(Vec<String>),
    /// The evidence says nothing of it.
    Unknown,
}

impl Judgement {
    /// The cause is excluded by these observations, or nothing is known where there are none.
    #[must_use]
    pub fn ruled_out_by(evidence: Vec<String>) -> Self {
        if evidence.is_empty() { Self::Unknown } else { Self::RuledOut(evidence) }
    }
}

/// A finding in the making; by default certain, with the cause's own level and impact.
#[derive(Debug)]
#[must_use]
pub struct Found(Finding);

impl Found {
    /// Begins a finding with its one sentence on what is wrong.
    pub fn new(cause: &Cause, summary: impl Into<String>) -> Self {
        Self(Finding {
            id: cause.id.to_owned(),
            level: cause.level,
            confidence: Confidence::Certain,
            summary: summary.into(),
            impact: cause.impact.to_owned(),
            evidence: Vec::new(),
            remaining: Vec::new(),
            fixes: Vec::new(),
        })
    }

    /// Cites observations.
    pub fn because(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        for id in ids {
            if !self.0.evidence.contains(&id) {
                self.0.evidence.push(id);
            }
        }
        self
    }

    /// Sets what it does to calls.
    pub fn level(mut self, level: Level) -> Self {
        self.0.level = level;
        self
    }

    /// Sets how sure it is.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.0.confidence = confidence;
        self
    }

    /// Sets the sentence on what it does to calls.
    pub fn impact(mut self, impact: impl Into<String>) -> Self {
        self.0.impact = impact.into();
        self
    }

    /// Names a cause that the evidence can't exclude, and the step that would.
    pub fn unless(mut self, id: &str, decide: impl Into<String>) -> Self {
        self.0.remaining.push(Remaining { id: id.to_owned(), decide: decide.into() });
        self
    }

    /// Adds what to change.
    pub fn fix(mut self, place: Place, text: impl Into<String>) -> Self {
        self.0.fixes.push(Fix { place, text: text.into(), command: None });
        self
    }

    /// Adds what to change, with a command or a line of configuration.
    pub fn fix_by(mut self, place: Place, text: impl Into<String>, command: impl Into<String>) -> Self {
        self.0.fixes.push(Fix { place, text: text.into(), command: Some(command.into()) });
        self
    }

    /// The judgement.
    #[must_use]
    pub fn done(self) -> Judgement {
        Judgement::Found(Box::new(self.0))
    }
}
