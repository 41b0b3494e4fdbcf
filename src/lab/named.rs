//! Things that are asked for by name: the ways in which servers and gateways are broken on purpose.

/// The text is the name of nothing of that kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such {kind}: {text:?}")]
pub struct Unknown {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// An enum whose variants have a stable name each, and their documentation as a summary: `named! { /// …; Fault, "fault": /// …; A = "a" }`.
macro_rules! named {
    ($(#[doc = $about:literal])+ $enum:ident, $kind:literal: $($(#[doc = $summary:literal])+ $name:ident = $id:literal,)+) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum {
            $($(#[doc = $summary])+ $name,)+
        }

        impl $enum {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable name.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)+
                }
            }

            /// What it is, in one sentence.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($summary),+).trim_ascii(),)+
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.id())
            }
        }

        impl std::str::FromStr for $enum {
            type Err = $crate::lab::named::Unknown;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|known| known.id() == text);
                known.ok_or_else(|| $crate::lab::named::Unknown { kind: $kind, text: text.to_owned() })
            }
        }
    };
}
pub(crate) use named;
