//! What is asked of a sweep; the run's context carries it, since it is known before there is a relay.

use crate::model::ports::PortRange;

/// What is asked of a sweep.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The range in question.
    pub range: Option<PortRange>,
    /// The most ports a second.
    pub rate: Option<u32>,
}
