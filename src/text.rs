//! Keys become sentences: one folder of Fluent files a language, and nothing else knows a word of it.
//!
//! Every message is given every argument that any of them knows; what is unknown holds the word `none`, on which a text can select.

mod firewall;

use std::borrow::Cow;
use std::cell::OnceCell;

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::langid;

use crate::model::finding::{Finding, Fix, NotTested, Remaining, Unexplained, Where};
use crate::model::message::{Arg, Message};

/// The English texts.
const ENGLISH: [(&str, &str); 12] = [
    ("names", include_str!("text/en/names.ftl")),
    ("reach", include_str!("text/en/reach.ftl")),
    ("tls", include_str!("text/en/tls.ftl")),
    ("stun", include_str!("text/en/stun.ftl")),
    ("authentication", include_str!("text/en/authentication.ftl")),
    ("allocation", include_str!("text/en/allocation.ftl")),
    ("relay", include_str!("text/en/relay.ftl")),
    ("signaling", include_str!("text/en/signaling.ftl")),
    ("call", include_str!("text/en/call.ftl")),
    ("asks", include_str!("text/en/asks.ftl")),
    ("headlines", include_str!("text/en/headlines.ftl")),
    ("untested", include_str!("text/en/untested.ftl")),
];

/// What an argument holds that nothing is known of.
const NONE: &str = "none";

/// The most fixes that a cause has for one place.
const MOST_FIXES: usize = 4;

/// The texts of a language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
    /// The names of the arguments that any text speaks of.
    known: Vec<String>,
}

thread_local! {
    static ENGLISH_TEXTS: OnceCell<Texts> = const { OnceCell::new() };
}

/// Uses the texts of the one language that there is.
pub fn with<T>(use_texts: impl FnOnce(&Texts) -> T) -> T {
    ENGLISH_TEXTS.with(|texts| use_texts(texts.get_or_init(Texts::english)))
}

impl Texts {
    fn english() -> Self {
        let mut bundle = FluentBundle::new(vec![langid!("en")]);
        // Marks of direction around each argument would end up in commands that are pasted.
        bundle.set_use_isolating(false);
        for (name, text) in ENGLISH {
            let resource = FluentResource::try_new(text.to_owned());
            // What is compiled in is held by a test; a broken file loses its broken messages alone.
            let resource = resource.unwrap_or_else(|(resource, _)| resource);
            let added = bundle.add_resource(resource);
            debug_assert!(added.is_ok(), "{name}.ftl names a message that another file has");
        }
        Self { bundle, known: variables() }
    }

    /// A sentence by its key, `turn-down` or `turn-down.summary`; nothing where the texts have none, or an empty one.
    #[must_use]
    pub fn say(&self, key: &str, message: &Message) -> Option<String> {
        let (id, attribute) = key.split_once('.').map_or((key, None), |(id, attribute)| (id, Some(attribute)));
        let found = self.bundle.get_message(id)?;
        let pattern = match attribute {
            Some(attribute) => found.get_attribute(attribute)?.value(),
            None => found.value()?,
        };
        let mut args = FluentArgs::new();
        for name in &self.known {
            args.set(name.as_str(), NONE);
        }
        for (name, value) in &message.args {
            args.set(name.as_str(), value_of(value));
        }
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut errors);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The same without arguments, as explanations have it.
    #[must_use]
    pub fn plain(&self, key: &str) -> String {
        self.say(key, &Message::default()).unwrap_or_default()
    }

    /// Gives a finding its sentences and what to change.
    pub fn spell(&self, finding: &mut Finding) {
        let key = finding.message.key.clone();
        let message = &finding.message;
        finding.summary = self.say(&format!("{key}.summary"), message).unwrap_or_else(|| key.clone());
        finding.impact = self.say(&format!("{key}.impact"), message).unwrap_or_default();
        finding.fixes = self.fixes(&key, message);
        for rival in &mut finding.remaining {
            self.spell_rival(rival);
        }
    }

    fn spell_rival(&self, rival: &mut Remaining) {
        let said = self.say(&rival.ask, &Message::default());
        rival.decide = said.unwrap_or_else(|| self.plain("ask-elsewhere"));
    }

    fn fixes(&self, key: &str, message: &Message) -> Vec<Fix> {
        let mut fixes = Vec::new();
        for number in 1..=MOST_FIXES {
            for (place, name) in Where::ALL {
                let key = if number == 1 { format!("{key}-fix-{name}") } else { format!("{key}-fix-{name}-{number}") };
                if let Some(text) = self.say(&key, message) {
                    fixes.push(Fix {
                        place,
                        text,
                        command: self.say(&format!("{key}.command"), message).map(firewall::with_others),
                    });
                }
            }
        }
        fixes
    }

    /// Gives what was not tested its words.
    pub fn spell_untested(&self, entry: &mut NotTested) {
        entry.what = self.say(&entry.message.key, &entry.message).unwrap_or_else(|| entry.message.key.clone());
        entry.why = self.say(&format!("{}.why", entry.message.key), &entry.message).unwrap_or_default();
        entry.next = self.fixes(&entry.message.key, &entry.message);
        // What whoever asks can do at once comes first.
        entry.next.sort_by_key(|fix| fix.place != Where::Client);
    }

    /// Gives what no cause explains its words.
    pub fn spell_unexplained(&self, entry: &mut Unexplained) {
        entry.what = self.say("unexplained", &entry.message).unwrap_or_default();
        entry.attempt = self.say("unexplained.try", &entry.message).unwrap_or_default();
    }
}

fn value_of(arg: &Arg) -> FluentValue<'_> {
    match arg {
        Arg::Number(number) => FluentValue::from(*number),
        Arg::Text(text) => FluentValue::String(Cow::Borrowed(text)),
        Arg::List(list) => FluentValue::String(Cow::Owned(listed(list))),
    }
}

/// Several in a sentence: `A, B and C`.
fn listed(all: &[String]) -> String {
    match all {
        [] => NONE.to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The names of all variables in the texts.
fn variables() -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, text) in ENGLISH {
        for after in text.split('$').skip(1) {
            let name: String =
                after.chars().take_while(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_')).collect();
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
