//! Worlds by the seeds that they are drawn from, in chunks that run side by side.
//!
//! `SIM_SEED=n` plays one world alone and shows its report; a failing seed is printed with its world. `SIM_WORLDS=n` plays more, and
//! `SIM_FIRST=n` begins with another seed than 0.

use std::ops::Range;

use libtest_mimic::{Failed, Trial};

/// How many failing worlds of a chunk are told.
const TOLD: usize = 5;

/// Worlds of one kind.
#[derive(Clone, Copy)]
pub struct Worlds {
    /// What one of them is called.
    pub name: &'static str,
    /// How many are held by default.
    pub count: u64,
    /// How many make a trial.
    pub chunk: u64,
    /// The seeds that once broke a sentence, held besides.
    pub mended: &'static [u64],
    /// Holds one; the error is the world with what doesn't hold in it.
    pub hold: fn(u64) -> Result<(), String>,
    /// Holds one and shows what was reported in it.
    pub show: fn(u64) -> Result<(), Failed>,
}

impl Worlds {
    /// The chunks, or the one world that was asked for.
    pub fn trials(self) -> Vec<Trial> {
        let number =
            |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("the number of a world, or of worlds"));
        if let Some(seed) = number("SIM_SEED") {
            return vec![Trial::test(format!("{} {seed}", self.name), move || (self.show)(seed))];
        }
        let (first, worlds) = (number("SIM_FIRST").unwrap_or(0), number("SIM_WORLDS").unwrap_or(self.count));
        let chunks = (0..worlds / self.chunk).map(|chunk| first + chunk * self.chunk);
        let drawn = chunks.map(|start| {
            let name = format!("{}s {start} to {}", self.name, start + self.chunk - 1);
            Trial::test(name, move || self.hold_all(start..start + self.chunk))
        });
        let mended = self.mended.iter().map(|&seed| {
            Trial::test(format!("{} {seed}, which once broke a sentence", self.name), move || self.hold_all(seed..seed + 1))
        });
        drawn.chain(mended).collect()
    }

    fn hold_all(self, seeds: Range<u64>) -> Result<(), Failed> {
        let failed: Vec<String> = seeds.filter_map(|seed| (self.hold)(seed).err()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let told = failed.iter().take(TOLD).cloned().collect::<Vec<_>>().join("\n\n");
        Err(format!("{} worlds\n\n{told}", failed.len()).into())
    }
}
