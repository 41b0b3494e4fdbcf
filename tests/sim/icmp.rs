//! How many ICMP errors a router or a host sends: as few as Linux does, so that a silent one proves nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::packet::SiteId;

/// One a second to each host (`icmp_ratelimit` of Linux; IPv6 is no stricter).
const INTERVAL: Duration = Duration::from_secs(1);

/// So many may be saved up (`XRLIM_BURST_FACTOR`, net/ipv4/icmp.c).
pub const SAVED: u32 = 6;

/// What each may send yet, to each host.
pub struct Allowances {
    saved: u32,
    left: RefCell<HashMap<(IpAddr, SiteId), Left>>,
}

struct Left {
    credit: Duration,
    counted: Instant,
}

impl Allowances {
    /// At the beginning each may send so many at once; a run just before may have spent what was saved up.
    pub fn new(saved: u32) -> Self {
        Self { saved, left: RefCell::default() }
    }

    /// Whether one may send an error to a host now; if so, that one is spent.
    pub fn spend(&self, from: IpAddr, to: SiteId) -> bool {
        let now = Instant::now();
        let mut left = self.left.borrow_mut();
        let entry = left.entry((from, to)).or_insert(Left { credit: INTERVAL * self.saved, counted: now });
        entry.credit = (entry.credit + (now - entry.counted)).min(INTERVAL * SAVED);
        entry.counted = now;
        let Some(rest) = entry.credit.checked_sub(INTERVAL) else { return false };
        entry.credit = rest;
        true
    }
}
