//! What a report says of the NAT, held against what a scenario wants of it; shared by both worlds that play scenarios.

use serde_json::Value;

use super::Expect;

/// Everything in which the report's `nat` differs, one line each.
pub fn complaints(nat: &Value, expect: &Expect) -> Vec<String> {
    let of_family = |family: &'static str, wanted: &std::collections::BTreeMap<String, String>| {
        let wanted: Vec<(String, String)> = wanted.iter().map(|(name, word)| (name.clone(), word.clone())).collect();
        wanted.into_iter().filter_map(move |(name, word)| {
            let said = said(&nat[family][&name]);
            (said != word).then(|| format!("{family}: {name} is {said}, expected {word}"))
        })
    };
    let mut complaints: Vec<String> = of_family("ipv4", &expect.nat).chain(of_family("ipv6", &expect.nat6)).collect();
    if let Some(real) = expect.idle_lifetime_s {
        let bounds = &nat["ipv4"]["lifetime"]["value"];
        let real_ms = u64::from(real) * 1000;
        let (at_least, less_than) = (bounds["at_least_ms"].as_u64(), bounds["less_than_ms"].as_u64());
        // The kernel counts in seconds, and a test takes its time.
        let fits = at_least.is_some_and(|ms| ms > 0 && ms <= real_ms + 500) && less_than.is_some_and(|ms| ms + 500 >= real_ms);
        if !fits {
            complaints.push(format!("an idle mapping lives {real} s, and the bounds are {bounds}"));
        }
    }
    complaints
}

/// The word for a property.
fn said(property: &Value) -> String {
    match (property["state"].as_str(), &property["value"]) {
        (Some("known"), Value::String(word)) => word.clone(),
        (Some("known"), value) => value.to_string(),
        (Some(state), _) => state.to_owned(),
        (None, _) => "not said".to_owned(),
    }
}
