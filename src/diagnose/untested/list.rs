//! The list of what was not tested, and the word for what ended a run.

use std::collections::HashSet;

use crate::model::finding::NotTested;
use crate::model::message::Message;
use crate::model::report::CutShort;

/// What was not tested, each once.
#[derive(Default)]
pub struct List {
    /// In the order of the report.
    pub all: Vec<NotTested>,
    known: HashSet<String>,
}

impl List {
    /// Adds one, where it is not there yet.
    pub fn add(&mut self, message: Message) {
        if self.known.insert(format!("{message:?}")) {
            self.all.push(NotTested { what: String::new(), why: String::new(), next: Vec::new(), message });
        }
    }
}

/// What ended a run, as a word of the texts.
pub fn word(cut_short: CutShort) -> &'static str {
    match cut_short {
        CutShort::Interrupted => "interrupted",
        CutShort::Deadline => "deadline",
    }
}
