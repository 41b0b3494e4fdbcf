//! What was seen, put as questions with a place: each holds, is broken in some manner, or was not asked.
//!
//! A reading that is broken has to be explained by a cause; one that holds contradicts every cause that would break it. What was not asked
//! does neither.

use std::collections::HashMap;

use crate::model::endpoint::{Endpoint, Transport};
use crate::model::message::Arg;
use crate::model::place::{Family, Place};

pub use super::manner::Manner;
pub use super::question::What;

/// Whether a reading holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was seen to hold.
    Holds,
    /// It was seen to be broken.
    Broken(Manner),
}

/// One answered question.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The question.
    pub what: What,
    /// What it tells of.
    pub place: Place,
    /// The transport and port, where the question is about one.
    pub endpoint: Option<(Transport, u16)>,
    /// The family of addresses that it is about.
    pub family: Option<Family>,
    /// The answer.
    pub state: State,
    /// The observations, by their number.
    pub evidence: Vec<usize>,
    /// What a sentence can say of it.
    pub details: Vec<(&'static str, Arg)>,
}

impl Reading {
    /// A reading of a place.
    #[must_use]
    pub fn new(what: What, place: Place, state: State, evidence: Vec<usize>) -> Self {
        let (endpoint, family) = match &place {
            Place::Service { server, transport, port } => (Some((*transport, *port)), Some(Family::of(*server))),
            Place::Server { server } => (None, Some(Family::of(*server))),
            Place::Relay { relayed, .. } => (None, Some(Family::of(*relayed))),
            Place::Control { control } => (None, Some(Family::of(*control))),
            Place::Network { family } => (None, *family),
            Place::Host | Place::Name { .. } | Place::List | Place::Gateway | Place::Peer { .. } | Place::Call => (None, None),
        };
        Self { what, place, endpoint, family, state, evidence, details: Vec::new() }
    }

    /// Adds what a sentence can say of it.
    #[must_use]
    pub fn saying(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// The endpoint that the question is about, where its place doesn't say so.
    #[must_use]
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some((endpoint.transport, endpoint.address.port()));
        self
    }

    /// Whether it is broken and has to be explained.
    #[must_use]
    pub fn wants_explanation(&self) -> bool {
        matches!(self.state, State::Broken(_)) && !self.what.is_witness()
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.state == State::Holds
    }

    /// How it is broken.
    #[must_use]
    pub fn manner(&self) -> Option<Manner> {
        match self.state {
            State::Holds => None,
            State::Broken(manner) => Some(manner),
        }
    }
}

/// What is known of a question at a place.
#[derive(Clone, Copy, Debug)]
pub enum Known<'r> {
    /// It holds.
    Holds(&'r Reading),
    /// It is broken.
    Broken(&'r Reading),
    /// It was not asked.
    NotAsked,
}

impl Known<'_> {
    /// Whether it holds.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::Holds(_))
    }

    /// Whether it is broken.
    #[must_use]
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Broken(_))
    }
}

/// What is asked, of which place, and over which transport and port where it is about one.
type Question = (What, Place, Option<(Transport, u16)>);

/// All readings of a run, found by question and place.
#[derive(Debug, Default)]
pub struct Readings {
    all: Vec<Reading>,
    at: HashMap<Question, usize>,
}

impl Readings {
    /// Adds a reading. Of two about the same thing the one that holds counts, and cites both.
    pub fn add(&mut self, reading: Reading) {
        let key = (reading.what, reading.place.clone(), reading.endpoint);
        let Some(&known) = self.at.get(&key) else {
            self.at.insert(key, self.all.len());
            self.all.push(reading);
            return;
        };
        let known = &mut self.all[known];
        match (known.holds(), reading.holds()) {
            (false, true) => *known = reading,
            (true, false) => {}
            (true, true) | (false, false) => known.evidence.extend(reading.evidence),
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Reading] {
        &self.all
    }

    /// The number of one of these readings.
    #[must_use]
    pub fn number(&self, reading: &Reading) -> usize {
        let key = (reading.what, reading.place.clone(), reading.endpoint);
        self.at.get(&key).copied().unwrap_or(usize::MAX)
    }

    /// What is known of a question at a place.
    #[must_use]
    pub fn know(&self, what: What, place: &Place) -> Known<'_> {
        let endpoint = place.endpoint().map(|endpoint| (endpoint.transport, endpoint.address.port()));
        match self.at.get(&(what, place.clone(), endpoint)).map(|index| &self.all[*index]) {
            Some(reading) if reading.holds() => Known::Holds(reading),
            Some(reading) => Known::Broken(reading),
            None => Known::NotAsked,
        }
    }
}
