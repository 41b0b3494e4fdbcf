//! How far a long probe is, for whoever watches.

use std::time::Duration;

/// How far a sweep over ports is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It begins.
    Begins {
        /// How many ports there may be.
        ports: u32,
        /// How long that takes at the least.
        about: Duration,
    },
    /// It goes on.
    Ports {
        /// How many ports are known.
        tried: u32,
        /// How many of them are closed.
        closed: u32,
    },
    /// It has ended.
    Ends,
}

/// Hears how far a probe is.
pub type Watcher = std::rc::Rc<dyn Fn(Progress)>;
