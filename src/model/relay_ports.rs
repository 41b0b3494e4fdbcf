//! What the ports of a relay that were tried come to.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fact::PortsBy;
use super::ports::{PortRange, PortSet};

/// What the ports of a relay that were tried come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelayPorts {
    /// The address that relays.
    pub address: String,
    /// What answered for the ports.
    pub by: PortsBy,
    /// How many were tried.
    pub tried: u32,
    /// Those that let a datagram in.
    pub open: PortSet,
    /// Those that don't.
    pub closed: PortSet,
    /// How much of the server's range is open; absent where every port was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_share: Option<Share>,
    /// The range that the server seems to use, or uses where every port was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_range: Option<PortRange>,
    /// Whether every port that the server uses was tried.
    pub complete: bool,
}

/// The 95 % interval of a share (Clopper and Pearson), from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

/// The most decimals of a percentage.
const MOST_DECIMALS: u32 = 3;

/// What is open, in percent, rounded away from what is known: `at least 95 %`, `70 to 86 %`, `at most 5 %`. No share that isn't all or nothing
/// is rounded to it, and no interval to a point.
impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lower, upper) = (self.lower * 100.0, self.upper * 100.0);
        let rounded = |decimals: u32| {
            let scale = f64::from(10_u32.pow(decimals));
            ((lower * scale).floor() / scale, (upper * scale).ceil() / scale)
        };
        let tells = |decimals: &u32| {
            let (down, up) = rounded(*decimals);
            down < up && (down > 0.0 || lower <= 0.0) && (up < 100.0 || upper >= 100.0)
        };
        let decimals = (0..=MOST_DECIMALS).find(tells).unwrap_or(MOST_DECIMALS);
        // Near all of them one more digit tells 99.0 from 99.9.
        let decimals = if lower >= 99.0 { decimals.max(1) } else { decimals };
        let (down, up) = rounded(decimals);
        let digits = decimals as usize;
        match (lower <= 0.0, upper >= 100.0) {
            (_, true) => write!(formatter, "at least {down:.digits$} %"),
            (true, false) => write!(formatter, "at most {up:.digits$} %"),
            (false, false) => write!(formatter, "{down:.digits$} to {up:.digits$} %"),
        }
    }
}

/// Closed ports in a row, with the open ones next to them among those that were tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The closed ports, from the lowest tried one to the highest.
    pub closed: PortRange,
    /// How many of them were tried.
    pub tried: u32,
    /// The last open port below.
    pub open_below: Option<u16>,
    /// The first open port above.
    pub open_above: Option<u16>,
}

/// The blocks of closed ports, from the lowest.
#[must_use]
pub fn blocks(open: &PortSet, closed: &PortSet) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for port in closed.iter() {
        let open_below = last_below(open, port);
        match blocks.last_mut() {
            Some(block) if block.open_below == open_below => {
                block.closed = block.closed.extended_to(port);
                block.tried += 1;
            }
            Some(_) | None => {
                let Some(closed) = PortRange::new(port, port) else { continue };
                blocks.push(Block { closed, tried: 1, open_below, open_above: first_above(open, port) });
            }
        }
    }
    blocks
}

fn last_below(ports: &PortSet, port: u16) -> Option<u16> {
    let below = ports.ranges().iter().take_while(|range| range.first() < port);
    below.last().map(|range| range.last().min(port - 1))
}

fn first_above(ports: &PortSet, port: u16) -> Option<u16> {
    ports.ranges().iter().find(|range| range.first() > port).map(|range| range.first())
}

impl fmt::Display for Block {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tried == 1 {
            return self.closed.fmt(formatter);
        }
        match (self.open_below, self.open_above) {
            (Some(below), Some(above)) => write!(formatter, "{} (between {below} and {above})", self.closed),
            (Some(below), None) => write!(formatter, "{} (above {below})", self.closed),
            (None, Some(above)) => write!(formatter, "{} (below {above})", self.closed),
            (None, None) => self.closed.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_away_from_what_is_known() {
        let cases = [
            ((0.954, 1.0), "at least 95 %"),
            ((0.999_87, 1.0), "at least 99.9 %"),
            ((0.7, 0.858), "70 to 86 %"),
            ((0.9988, 0.9997), "99.88 to 99.97 %"),
            ((0.0, 0.048), "at most 5 %"),
            ((0.0, 0.000_22), "at most 1 %"),
            ((0.0001, 0.0012), "0.01 to 0.12 %"),
        ];
        for ((lower, upper), words) in cases {
            assert_eq!(Share { lower, upper }.to_string(), words);
        }
    }

    #[test]
    fn closed_ports_between_open_ones_are_blocks_with_their_boundaries() {
        let open: PortSet = [100, 101, 200, 300].into_iter().collect();
        let closed: PortSet = [150, 160, 250, 310].into_iter().collect();
        let blocks = blocks(&open, &closed);
        assert_eq!((blocks[0].open_below, blocks[0].open_above, blocks[0].tried), (Some(101), Some(200), 2));
        let texts: Vec<String> = blocks.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["150-160 (between 101 and 200)", "250", "310"]);
        assert!(super::blocks(&open, &PortSet::default()).is_empty());
    }
}
