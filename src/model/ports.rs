//! Ports by the thousand: a range as it is typed, and a set of ports as the ranges that it consists of.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The relay range of servers that were told no other (RFC 8656 §7.2 names it; coturn and eturnal have it by default).
pub const USUAL_RELAY_RANGE: PortRange = PortRange { first: 49_152, last: 65_535 };

/// Ports from the first to the last, both included: `49152-65535`, or `3478` for one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// Why a text is no range of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPortRange {
    /// One of both ends is no port.
    #[error("{0:?} is not a port from 1 to 65535; write a range as 49152-65535")]
    Port(String),
    /// It begins after its end.
    #[error("{0:?} holds no port: it begins after its end")]
    Reversed(String),
}

impl PortRange {
    /// The ports from one to another; `None` where the first is port 0 or lies behind the last.
    #[must_use]
    pub fn new(first: u16, last: u16) -> Option<Self> {
        (first != 0 && first <= last).then_some(Self { first, last })
    }

    /// The first port.
    #[must_use]
    pub fn first(self) -> u16 {
        self.first
    }

    /// The last port.
    #[must_use]
    pub fn last(self) -> u16 {
        self.last
    }

    /// How many ports there are, at least one.
    #[must_use]
    pub fn count(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    /// Whether a port lies within.
    #[must_use]
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// The ports in order.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        self.first..=self.last
    }

    /// The shortest range that holds this one and a port.
    #[must_use]
    pub fn extended_to(self, port: u16) -> Self {
        Self { first: self.first.min(port), last: self.last.max(port) }
    }

    /// The range as ufw and iptables write it: `49152:65535`.
    #[must_use]
    pub fn with_colon(self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{}:{}", self.first, self.last) }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { self.first.fmt(formatter) } else { write!(formatter, "{}-{}", self.first, self.last) }
    }
}

impl FromStr for PortRange {
    type Err = InvalidPortRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let port = |digits: &str| match digits.trim().parse::<u16>() {
            Ok(port) if port != 0 => Ok(port),
            Ok(_) | Err(_) => Err(InvalidPortRange::Port(digits.to_owned())),
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Self::new(port(first)?, port(last)?).ok_or_else(|| InvalidPortRange::Reversed(text.to_owned()))
    }
}

impl Serialize for PortRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for PortRange {
    fn schema_name() -> Cow<'static, str> {
        "PortRange".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Ports from the first to the last: `49152-65535`, or `3478` for one alone.",
            "type": "string",
            "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$"
        })
    }
}

/// A set of ports; in a report the ranges that it consists of, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PortSet {
    ranges: Vec<PortRange>,
}

impl PortSet {
    /// The ranges, in order, none touching the next.
    #[must_use]
    pub fn ranges(&self) -> &[PortRange] {
        &self.ranges
    }

    /// How many ports there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.ranges.iter().map(|range| range.count()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether a port is among them.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        let after = self.ranges.partition_point(|range| range.first <= port);
        after > 0 && self.ranges[after - 1].contains(port)
    }

    /// The ports in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.ranges.iter().flat_map(|range| range.iter())
    }

    /// The lowest and the highest.
    #[must_use]
    pub fn span(&self) -> Option<PortRange> {
        Some(PortRange { first: self.ranges.first()?.first, last: self.ranges.last()?.last })
    }

    /// The ports of a range that are in none of the sets.
    #[must_use]
    pub fn rest_of(range: PortRange, without: &[&Self]) -> Self {
        range.iter().filter(|port| !without.iter().any(|set| set.contains(*port))).collect()
    }
}

impl FromIterator<u16> for PortSet {
    fn from_iter<T: IntoIterator<Item = u16>>(ports: T) -> Self {
        let mut ports: Vec<u16> = ports.into_iter().filter(|port| *port != 0).collect();
        ports.sort_unstable();
        let mut ranges: Vec<PortRange> = Vec::new();
        for port in ports {
            match ranges.last_mut() {
                Some(range) if port <= range.last.saturating_add(1) => range.last = port,
                Some(_) | None => ranges.push(PortRange { first: port, last: port }),
            }
        }
        Self { ranges }
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, range) in self.ranges.iter().enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(formatter, "{separator}{range}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_survives_its_text_form() {
        for text in ["49152-65535", "3478", "1-65535"] {
            let range: PortRange = text.parse().expect("a valid range");
            assert_eq!(range.to_string(), text);
        }
        assert_eq!("80-80".parse::<PortRange>().expect("a valid range").count(), 1);
    }

    #[test]
    fn what_is_no_range_is_refused_with_its_text() {
        for text in ["", "-", "0", "0-10", "1-65536", "65535-49152", "a-b", "1-2-3", "1,2", "-5", "5-"] {
            let refused = text.parse::<PortRange>().map_err(|error| error.to_string());
            assert!(refused.is_err_and(|words| words.contains('"')), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_set_is_the_ranges_that_it_consists_of() {
        let set: PortSet = [5, 3, 4, 4, 9, 65_535, 65_534].into_iter().collect();
        assert_eq!(set.to_string(), "3-5, 9, 65534-65535");
        assert_eq!((set.count(), set.span().map(|span| span.count())), (6, Some(65_533)));
        assert!(set.contains(4) && set.contains(65_535) && !set.contains(6) && !set.contains(2));
        let range = PortRange::new(1, 10).expect("a range");
        assert_eq!(PortSet::rest_of(range, &[&set]).to_string(), "1-2, 6-8, 10");
        assert!(PortSet::default().is_empty() && PortSet::default().span().is_none());
    }
}
