//! What the report for people is written with: bold and coloured words, where the terminal has them.

use colored::{Color, Colorize as _};

/// Writes with colours, or without.
#[derive(Clone, Copy)]
pub struct Pen {
    /// Whether it has colours.
    pub color: bool,
}

impl Pen {
    /// What stands out.
    pub fn bold(self, text: &str) -> String {
        if self.color { text.bold().to_string() } else { text.to_owned() }
    }

    /// What stands out in a colour.
    pub fn paint(self, text: &str, color: Color) -> String {
        if self.color { text.color(color).bold().to_string() } else { text.to_owned() }
    }
}
