//! Worlds by the seeds that they are drawn from, in chunks that run side by side.
//!
//! `SIM_SEED=n` plays one world alone and shows its report; a failing seed is printed with its world. `SIM_WORLDS=n` plays more, and
//! `SIM_FIRST=n` begins with another seed than 0.

use std::fmt::Write as _;
use std::ops::Range;

use callcheck::model::report::Report;
use libtest_mimic::{Failed, Trial};

use super::scenario::describe_found;

/// How many failing worlds of a chunk are told with their reports; of the others each complaint has a line.
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
    /// The seeds that break a sentence yet, for a reason that is known. Each is held to do so: one that is mended has to leave the list.
    pub open: &'static [u64],
    /// Plays one.
    pub play: fn(u64) -> Judged,
}

/// What came of a world.
pub struct Judged {
    /// The world in a line.
    pub world: String,
    pub reports: Vec<Report>,
    /// What doesn't hold in it.
    pub complaints: Vec<String>,
}

impl Judged {
    fn hold(&self) -> Result<(), String> {
        if self.complaints.is_empty() { Ok(()) } else { Err(self.text()) }
    }

    fn text(&self) -> String {
        let found: String = self.reports.iter().map(summary).collect();
        format!("{}\n  {}{found}", self.world, self.complaints.join("\n  "))
    }

    #[expect(clippy::print_stderr, reason = "whoever asks for one world wants to see its reports")]
    fn show(&self) -> Result<(), Failed> {
        for report in &self.reports {
            eprintln!("{}", serde_json::to_string_pretty(report)?);
        }
        eprintln!("{}", self.text());
        self.hold().map_err(Failed::from)
    }
}

/// What a report says, in a few lines.
fn summary(report: &Report) -> String {
    let mut text = format!("\n  -> {} after {} ms", report.verdict.name(), report.duration_ms);
    for finding in &report.findings {
        _ = write!(text, "\n     {}", describe_found(finding));
    }
    for entry in &report.not_tested {
        _ = write!(text, "\n     not tested: {} ({})", entry.what, entry.why);
    }
    text
}

impl Worlds {
    /// The chunks, or the one world that was asked for.
    pub fn trials(self) -> Vec<Trial> {
        let number =
            |name| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("the number of a world, or of worlds"));
        if let Some(seed) = number("SIM_SEED") {
            return vec![Trial::test(format!("{} {seed}", self.name), move || (self.play)(seed).show())];
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
        let open = self.open.iter().map(|&seed| {
            Trial::test(format!("{} {seed}, which breaks a sentence yet", self.name), move || match (self.play)(seed).hold() {
                Ok(()) => Err(format!("{} {seed} is mended: move it from `open` to `mended`", self.name).into()),
                Err(_) => Ok(()),
            })
        });
        drawn.chain(mended).chain(open).collect()
    }

    fn hold_all(self, seeds: Range<u64>) -> Result<(), Failed> {
        let played = seeds.filter(|seed| !self.open.contains(seed)).map(|seed| (seed, (self.play)(seed)));
        let failed: Vec<(u64, Judged)> = played.filter(|(_, judged)| judged.hold().is_err()).collect();
        if failed.is_empty() {
            return Ok(());
        }
        let in_full = failed.iter().take(TOLD).map(|(_, judged)| judged.text());
        let lines = failed.iter().skip(TOLD).map(|(seed, judged)| format!("seed {seed}: {}", judged.complaints.join("; ")));
        let told = in_full.chain(lines).collect::<Vec<_>>().join("\n\n");
        Err(format!("{} worlds\n\n{told}", failed.len()).into())
    }
}
