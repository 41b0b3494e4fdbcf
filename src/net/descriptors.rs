//! How many files and sockets this process may have open: a soft limit that it may raise, and a hard one that it may not.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit so that so many may be open, where it is lower; what the limit is then comes back.
#[must_use]
pub fn allow(wanted: u64) -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return u64::MAX };
    if soft >= wanted {
        return soft;
    }
    // Root may raise the hard limit as well, where no sandbox forbids it.
    let raised = [(wanted, wanted.max(hard)), (hard, hard)];
    let raised = raised.into_iter().find(|(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, *soft, *hard).is_ok());
    raised.map_or(soft, |(soft, _)| soft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_already_stays() {
        let before = allow(1);
        assert!(before >= 1);
        assert_eq!(allow(before), before);
    }
}
